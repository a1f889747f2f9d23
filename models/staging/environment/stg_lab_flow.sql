{% set values = ['flow_p1_au', 'flow_p2_au', 'flow_p3_au', 'flow_p4_au'] %}
{{ config(materialized='table') }}

with

copies as (
    {{ lab_copies('lab_flow', values) }}
),

readings as (
    {{ lab_kept('copies') }}
),

limits as (
    select * from {{ ref('stg_lab_limit_day') }}
),

calibration_in_force as (
    {{ seed_in_force('flow_calibration', 'limits', 'plane', ['slope_cc_min_per_au', 'offset_cc_min']) }}
),

calibration as (
    select
        {%- for plane in range(1, 5) %}
        any_value(struct_pack(slope := slope_cc_min_per_au, shift := offset_cc_min))
        filter (where plane = {{ plane }}) as p{{ plane }},
        {%- endfor %}
        station_id,
        read_date
    from calibration_in_force
    group by station_id, read_date
),

checked as (
    select
        {{ lab_head('readings') }},
        {{ within_limits(values) }},
        {{ outside_limits(values) }} as out_of_limits,
        readings.n_identical,
        readings.n_conflict,
        {{ provenance_columns('readings') }}
    from readings
    left join limits
        on readings.station_id = limits.station_id
            and cast(readings.read_at as date) = limits.read_date
),

final as (
    select
        checked.*,
        {%- for plane in ['p1', 'p2', 'p3', 'p4'] %}
        calibration.{{ plane }}.slope * checked.flow_{{ plane }}_au
        + calibration.{{ plane }}.shift as flow_{{ plane }}_cc_min,
        {%- endfor %}
        least(checked.flow_p1_au, checked.flow_p2_au, checked.flow_p3_au, checked.flow_p4_au) < 100 as is_flow_low
    from checked
    left join calibration
        on checked.station_id = calibration.station_id
            and cast(checked.read_at as date) = calibration.read_date
)

select * from final
