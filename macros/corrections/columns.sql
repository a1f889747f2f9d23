{# Closed lists of columns and labels. Corrections never work on "the rest": what is summed or averaged stands here. #}

{# The eleven patterns of planes that can be a coincidence. #}
{% macro tt_labels() %}{{ return(['1234', '123', '234', '124', '134', '12', '23', '34', '13', '24', '14']) }}{% endmacro %}

{# Fiducial counts, (plane, pattern): tracks that project into the fiducial area of an outer plane, which fired or did not. #}
{% macro fiducial_counts() %}{{ return([(1, '1234'), (1, '234'), (4, '1234'), (4, '123')]) }}{% endmacro %}

{# Every count of large_table that is summed into bins. #}
{% macro count_columns() %}
    {%- set names = ['n_events'] -%}
    {%- for tt in tt_labels() -%}{%- do names.append('n_' ~ tt) -%}{%- endfor -%}
    {%- for plane, tt in fiducial_counts() -%}{%- do names.append('n_fid_' ~ plane ~ '_' ~ tt) -%}{%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{# The 25 regions of the sky: one vertical cap, then three rings of eight sectors. A test holds the seed region_group to this list. #}
{% macro region_codes() %}
    {%- set codes = ['R0.0'] -%}
    {%- for ring in [1, 2, 3] -%}{%- for sector in range(8) -%}{%- do codes.append('R' ~ ring ~ '.' ~ sector) -%}{%- endfor -%}{%- endfor -%}
    {{ return(codes) }}
{% endmacro %}

{# Direction groups that have their own columns in large_corrected_table. #}
{% macro direction_groups() %}{{ return(['vert', 'south', 'east', 'north', 'west']) }}{% endmacro %}

{# The 28 columns of the lab logs. #}
{% macro log_columns() %}
    {{ return([
        'hv_current_pos_ua', 'hv_current_neg_ua', 'hv_neg_kv', 'hv_pos_kv',
        'rate_asserted_hz', 'rate_edge_hz', 'rate_accepted_hz',
        'rate_tm0_hz', 'rate_tm1_hz', 'rate_tm2_hz', 'rate_tm3_hz',
        'rate_cm0_hz', 'rate_cm1_hz', 'rate_cm2_hz', 'rate_cm3_hz',
        'temp_ext_degc', 'rh_ext_pct', 'pressure_ext_hpa', 'temp_int_degc', 'rh_int_pct', 'pressure_int_hpa',
        'disk_1_fill_pct', 'disk_2_fill_pct', 'file_indicator',
        'flow_p1_au', 'flow_p2_au', 'flow_p3_au', 'flow_p4_au',
    ]) }}
{% endmacro %}

{# Quantities chosen from the outside or the inside sensor; each has a `_source` word beside it. #}
{% macro lab_columns() %}{{ return([('pressure_lab', 'hpa'), ('temp_lab', 'degc'), ('rh_lab', 'pct')]) }}{% endmacro %}

{% macro era5_columns() %}
    {{ return(['temp_ground_k', 'temp_100hpa_k', 'height_100hpa_m', 'temp_mass_avg_k', 'temp_eff_k', 'era5_surface_pressure_hpa']) }}
{% endmacro %}

{# How a value of a minute came about: measured, interpolated or held. One word for each air column, one for each other group. #}
{% macro fill_columns() %}
    {{ return([
        'temp_ext_degc_fill', 'rh_ext_pct_fill', 'pressure_ext_hpa_fill',
        'temp_int_degc_fill', 'rh_int_pct_fill', 'pressure_int_hpa_fill',
        'hv_fill', 'flow_fill', 'rates_fill', 'computer_fill', 'era5_fill', 'era5_profile_fill',
    ]) }}
{% endmacro %}

{# Every environment value that is averaged into bins. #}
{% macro environment_mean_columns() %}
    {%- set names = log_columns() -%}
    {%- for name, unit in lab_columns() -%}{%- do names.append(name ~ '_' ~ unit) -%}{%- endfor -%}
    {{ return(names + era5_columns()) }}
{% endmacro %}

{# True where a row of the environment holds any value. #}
{% macro has_environment_value(alias) -%}
    coalesce(
        {%- for name in environment_mean_columns() %}
        {{ alias }}.{{ name }} is not null{% if not loop.last %} or{% endif %}
        {%- endfor %},
        false
    )
{%- endmacro %}

{# Name, without its unit, of the column that holds the final rate of a direction group. #}
{% macro rate_column(group_code) %}
    {%- if group_code == 'all' -%}{{ return('rate_final') }}{%- endif -%}
    {{ return('rate_final_' ~ group_code | lower | replace('.', '_')) }}
{% endmacro %}

{# Count of a live minute that has counts: a pattern without a row is a zero, a fiducial count may be unknown. #}
{% macro pattern_count(name) -%}
    {%- if name.startswith('n_fid_') -%} pattern.{{ name }} {%- else -%} coalesce(pattern.{{ name }}, 0) {%- endif -%}
{%- endmacro %}
