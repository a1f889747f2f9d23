{% set columns = [
    'temp_ext_degc', 'rh_ext_pct', 'pressure_ext_hpa', 'temp_int_degc', 'rh_int_pct', 'pressure_int_hpa',
    'hv_current_pos_ua', 'hv_current_neg_ua', 'hv_neg_kv', 'hv_pos_kv',
    'rate_asserted_hz', 'rate_edge_hz', 'rate_accepted_hz',
    'rate_tm0_hz', 'rate_tm1_hz', 'rate_tm2_hz', 'rate_tm3_hz',
    'rate_cm0_hz', 'rate_cm1_hz', 'rate_cm2_hz', 'rate_cm3_hz',
    'flow_p1_au', 'flow_p2_au', 'flow_p3_au', 'flow_p4_au',
    'disk_1_fill_pct', 'disk_2_fill_pct', 'file_indicator',
] %}
{{ config(materialized='table') }}

with

station_day as (
    {%- for log in ['env', 'hv', 'rates', 'flow', 'computer'] %}
    select
        station_id,
        cast(read_at as date) as read_date
    from {{ ref('base_lab_' ~ log) }}
    {{- ' union' if not loop.last }}
    {%- endfor %}
),

in_force as (
    {{ seed_in_force('log_limits', 'station_day', 'column_name', ['low', 'high'], has_end=true) }}
),

day_limit as (
    select
        station_day.station_id,
        station_day.read_date,
        in_force.column_name,
        in_force.low,
        in_force.high
    from station_day
    left join in_force
        on station_day.station_id = in_force.station_id
            and station_day.read_date = in_force.read_date
),

final as (
    {{ limits_by_day('day_limit', columns) }}
)

select * from final
