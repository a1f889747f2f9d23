{# What is read together, minute by minute: the model it comes from, its time column, the row of the seed `gap_policy` that
   rules it, its columns, and the name of the word that says how its minutes were filled (air columns have one each).
   `flags` are 0 or 1 and filled like their group: above 0 wherever a neighbour used is flagged. #}
{% macro environment_groups() -%}
    {%- do return([
        {'name': 'air_ext', 'flags': [], 'policy': 'air', 'model': 'int_lab_minute', 'at': 'minute_start',
         'columns': ['temp_ext_degc', 'rh_ext_pct', 'pressure_ext_hpa']},
        {'name': 'air_int', 'flags': [], 'policy': 'air', 'model': 'int_lab_minute', 'at': 'minute_start',
         'columns': ['temp_int_degc', 'rh_int_pct', 'pressure_int_hpa']},
        {'name': 'hv', 'flags': [], 'policy': 'hv', 'model': 'int_lab_minute', 'at': 'minute_start', 'fill': 'hv_fill',
         'columns': ['hv_current_pos_ua', 'hv_current_neg_ua', 'hv_neg_kv', 'hv_pos_kv', 'hv_vs_kv', 'hv_supply_v',
                     'hv_set_kv', 'hv_current_limit_ua', 'hv_set_dac_kv', 'hv_current_limit_dac_ua']},
        {'name': 'flow', 'flags': [], 'policy': 'flow', 'model': 'int_lab_minute', 'at': 'minute_start', 'fill': 'flow_fill',
         'columns': ['flow_p1_au', 'flow_p2_au', 'flow_p3_au', 'flow_p4_au',
                     'flow_p1_cc_min', 'flow_p2_cc_min', 'flow_p3_cc_min', 'flow_p4_cc_min']},
        {'name': 'rates', 'flags': [], 'policy': 'rates', 'model': 'int_lab_minute', 'at': 'minute_start', 'fill': 'rates_fill',
         'columns': ['rate_asserted_hz', 'rate_edge_hz', 'rate_accepted_hz',
                     'rate_tm0_hz', 'rate_tm1_hz', 'rate_tm2_hz', 'rate_tm3_hz',
                     'rate_cm0_hz', 'rate_cm1_hz', 'rate_cm2_hz', 'rate_cm3_hz',
                     'rate_p1_hz', 'rate_p2_hz', 'rate_p3_hz', 'rate_p4_hz']},
        {'name': 'computer', 'flags': [], 'policy': 'computer', 'model': 'int_lab_minute', 'at': 'minute_start', 'fill': 'computer_fill',
         'columns': ['disk_1_fill_pct', 'disk_2_fill_pct', 'file_indicator']},
        {'name': 'weight', 'flags': [], 'policy': 'weight', 'model': 'int_lab_minute', 'at': 'minute_start',
         'columns': ['bottle_weight_kg']},
        {'name': 'era5_hourly', 'flags': ['era5_hourly_preliminary'], 'policy': 'era5_hourly', 'model': 'int_era5_hourly', 'at': 'valid_time', 'fill': 'era5_fill',
         'columns': ['temp_ground_k', 'temp_100hpa_k', 'height_100hpa_m', 'era5_surface_pressure_hpa']},
        {'name': 'era5_profile', 'flags': ['era5_profile_preliminary'], 'policy': 'era5_profile', 'model': 'int_era5_hourly', 'at': 'valid_time',
         'fill': 'era5_profile_fill', 'columns': ['temp_mass_avg_k', 'temp_eff_k']},
    ]) -%}
{%- endmacro %}
