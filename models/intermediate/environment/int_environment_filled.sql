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

todo as (
    select * from {{ ref('int_environment_day_todo') }}
),

gap_policy as (
    select * from {{ ref('gap_policy') }}
),

limits as (
    {{ gap_limits(groups | map(attribute='policy') | unique | list, 'gap_policy') }}
),

days as (
    select
        todo.station_id,
        todo.day,
        greatest(span.first_minute, todo.day) as first_minute,
        least(span.last_minute + interval 1 minute, todo.day + interval 1 day) as end_minute
    from todo
    inner join span
        on todo.station_id = span.station_id
),

reach as (
    {{ gap_reach('gap_policy') }}
),

bounds as (
    select
        any_value(reach.reach) as reach,
        min(todo.day) - any_value(reach.reach) as first_minute,
        max(todo.day) + interval 1 day + any_value(reach.reach) as end_minute
    from todo
    cross join reach
),

readings as (
    {{ environment_readings() }}
),

-- a day knows its own readings and those beside it that may reach into it
near_day as (
    select
        readings.*,
        {{ days_reached('readings.minute_start', 'bounds.reach') }} as day
    from readings
    inner join bounds
        on readings.minute_start >= bounds.first_minute
            and readings.minute_start < bounds.end_minute
),

moments as (
    select
        near_day.*,
        days.first_minute,
        days.end_minute
    from near_day
    inner join days
        on near_day.station_id = days.station_id
            and near_day.day = days.day
    union all by name
    select
        station_id,
        day,
        first_minute,
        end_minute,
        first_minute as minute_start,
        0 as reading_order
    from days
),

-- from one reading to the next nothing new is known: the minutes between share their neighbours
stretches as (
    select
        station_id,
        first_minute,
        end_minute,
        minute_start as start_minute,
        lead(minute_start) over so_far as next_minute,
        {{ gap_neighbours(groups) }}
    from moments
    window
        so_far as ({{ gap_order() }} rows between unbounded preceding and current row),
        ahead as ({{ gap_order() }} rows between 1 following and unbounded following)
),

minutes as (
    select
        *,
        unnest(range(start_minute, least(next_minute, end_minute), interval 1 minute)) as minute_start
    from stretches
    where start_minute >= first_minute and start_minute < end_minute
),

ranked as (
    select
        minutes.station_id,
        {%- for group in groups %}
        {%- set limit = 'limits.' ~ group.policy %}
        {%- for column in group.columns + group.flags %}
        minutes.{{ column }} as {{ column }}_near,
        {{ fill_rank('minutes.' ~ column, 'minutes.minute_start', limit, group.is_bridged) }} as {{ column }}_rank,
        {%- endfor %}
        {%- endfor %}
        minutes.minute_start
    from minutes
    cross join limits
),

final as (
    select
        station_id,
        {%- for group in groups %}
        {%- for column in group.columns + group.flags %}
        {{ filled_value(column ~ '_near', 'minute_start', column ~ '_rank', group.is_bridged) }} as {{ column }},
        {{ column }}_rank,
        {%- endfor %}
        {%- endfor %}
        minute_start
    from ranked
)

select * from final
