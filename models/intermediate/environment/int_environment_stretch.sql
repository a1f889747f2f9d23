{% set groups = environment_groups() %}
{{ config(materialized='view') }}

with

lab as (
    select * from {{ ref('int_lab_minute') }}
),

era5 as (
    select * from {{ ref('int_era5_hourly') }}
),

span as (
    select * from {{ ref('int_environment_span') }}
),

moments as (
    select
        {%- for group in environment_groups_of('int_lab_minute') %}
        {{ has_value(group) }} as has_{{ group.name }},
        {%- endfor %}
        station_id,
        minute_start
    from lab
    union all by name
    select
        {%- for group in environment_groups_of('int_era5_hourly') %}
        {{ has_value(group) }} as has_{{ group.name }},
        {%- endfor %}
        station_id,
        valid_time as minute_start
    from era5
    union all by name
    select
        station_id,
        first_minute as minute_start
    from span
),

newest as (
    select
        {%- for group in groups %}
        max(case when has_{{ group.name }} then minute_start end) over moment as {{ group.name }}_at,
        {%- endfor %}
        station_id,
        minute_start,
        lead(minute_start) over moment as next_start
    from moments
    window moment as (partition by station_id order by minute_start)
),

final as (
    select
        {%- for group in groups %}
        newest.{{ group.name }}_at,
        {%- endfor %}
        newest.station_id,
        greatest(newest.minute_start, span.first_minute) as start_minute,
        least(newest.next_start, span.last_minute + interval 1 minute) as end_minute
    from newest
    inner join span
        on newest.station_id = span.station_id
    where newest.minute_start <= span.last_minute
        and (newest.next_start is null or newest.next_start > greatest(newest.minute_start, span.first_minute))
)

select * from final
