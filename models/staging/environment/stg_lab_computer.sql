{% set values = ['disk_1_fill_pct', 'disk_2_fill_pct', 'file_indicator'] %}
{{ config(materialized='table') }}

with

copies as (
    {{ lab_copies('lab_computer', values) }}
),

readings as (
    {{ lab_kept('copies') }}
),

limits as (
    select * from {{ ref('stg_lab_limit_day') }}
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
        *,
        greatest(disk_1_fill_pct, disk_2_fill_pct) > 80 as is_disk_high,
        file_indicator < 1000 as is_file_indicator_low
    from checked
)

select * from final
