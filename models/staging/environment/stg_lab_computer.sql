{% set values = ['disk_1_fill_pct', 'disk_2_fill_pct', 'file_indicator'] %}
{{ config(materialized='table') }}

with

copies as (
    {{ lab_copies('lab_computer', values) }}
),

readings as (
    {{ lab_kept('copies') }}
),

station_day as (
    select distinct
        station_id,
        cast(read_at as date) as read_date
    from readings
),

in_force as (
    {{ seed_in_force('log_limits', 'station_day', 'column_name', ['low', 'high'], has_end=true) }}
),

limits as (
    {{ limits_by_day('in_force', values) }}
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
