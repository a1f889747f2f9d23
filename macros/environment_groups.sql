{# What is read together, minute by minute. `policy` is the row of the seed `gap_policy` that rules it, `model`
   says where its readings stand, `fill` names the word that says how its minutes were
   filled (air columns have one each). `is_bridged`: the policy may be linear; what is switched (voltages, flows, rates)
   is never linear between two readings. `flags` are 0 or 1 and filled like their group, so that they are above 0
   wherever a value used is flagged. #}
{% macro environment_groups() -%}
    {%- do return([
        environment_group('air_ext', ['temp_ext_degc', 'rh_ext_pct', 'pressure_ext_hpa'], policy='air', is_bridged=true),
        environment_group('air_int', ['temp_int_degc', 'rh_int_pct', 'pressure_int_hpa'], policy='air', is_bridged=true),
        environment_group('hv', [
            'hv_current_pos_ua', 'hv_current_neg_ua', 'hv_neg_kv', 'hv_pos_kv', 'hv_vs_kv', 'hv_supply_v', 'hv_set_kv',
            'hv_current_limit_ua', 'hv_set_dac_kv', 'hv_current_limit_dac_ua',
        ], fill='hv_fill'),
        environment_group('flow', [
            'flow_p1_au', 'flow_p2_au', 'flow_p3_au', 'flow_p4_au',
            'flow_p1_cc_min', 'flow_p2_cc_min', 'flow_p3_cc_min', 'flow_p4_cc_min',
        ], fill='flow_fill'),
        environment_group('rates', [
            'rate_asserted_hz', 'rate_edge_hz', 'rate_accepted_hz',
            'rate_tm0_hz', 'rate_tm1_hz', 'rate_tm2_hz', 'rate_tm3_hz',
            'rate_cm0_hz', 'rate_cm1_hz', 'rate_cm2_hz', 'rate_cm3_hz',
            'rate_p1_hz', 'rate_p2_hz', 'rate_p3_hz', 'rate_p4_hz',
        ], fill='rates_fill'),
        environment_group(
            'computer', ['disk_1_fill_pct', 'disk_2_fill_pct', 'file_indicator'], fill='computer_fill'
        ),
        environment_group('weight', ['bottle_weight_kg']),
        environment_group(
            'era5_hourly', ['temp_ground_k', 'temp_100hpa_k', 'height_100hpa_m', 'era5_surface_pressure_hpa'],
            model='int_era5_hourly', is_bridged=true, fill='era5_fill', flags=['era5_hourly_preliminary']
        ),
        environment_group(
            'era5_profile', ['temp_mass_avg_k', 'temp_eff_k'],
            model='int_era5_hourly', is_bridged=true, fill='era5_profile_fill', flags=['era5_profile_preliminary']
        ),
    ]) -%}
{%- endmacro %}

{% macro environment_group(
    name, columns, policy=none, model='int_lab_minute', is_bridged=false, fill=none, flags=[]
) -%}
    {%- do return({
        'name': name, 'columns': columns, 'flags': flags, 'policy': policy or name,
        'model': model, 'is_bridged': is_bridged, 'fill': fill,
    }) -%}
{%- endmacro %}

{# The groups whose readings stand in one model. #}
{% macro environment_groups_of(model) -%}
    {%- do return(environment_groups() | selectattr('model', 'equalto', model) | list) -%}
{%- endmacro %}
