{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

event as (
    select * from {{ ref('int_event_clean') }}
    {{ where_file_todo() }}
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

event_second as (
    select
        file_id,
        any_value(station_id) as station_id,
        date_trunc('second', event_time) as second_start,
        count(*) as n_events,
        count(*) filter (where event_class = 'coincidence') as n_coincidence,
        count(*) filter (where event_class = 'self_trigger') as n_self_trigger
    from event
    group by file_id, date_trunc('second', event_time)
),

{# each second with events answers for the empty ones that follow it #}
followed as (
    select
        *,
        coalesce(
            date_diff('second', second_start, lead(second_start) over (partition by file_id order by second_start)), 1
        ) as n_seconds
    from event_second
),

second as (
    select
        file_id,
        station_id,
        second_start + to_seconds(step) as second_start,
        if(step = 0, n_events, 0) as n_events,
        if(step = 0, n_coincidence, 0) as n_coincidence,
        if(step = 0, n_self_trigger, 0) as n_self_trigger,
        if(step = 0, 0, n_seconds - 1) as n_empty
    from (
        select
            *,
            unnest(range(n_seconds)) as step
        from followed
    ) as expanded
),

{# an empty run is dead time when the rate of the file makes it improbable: 20 events missing, exp(-20) #}
file as (
    select
        second.file_id,
        min(second.second_start) as first_second,
        max(second.second_start) as last_second,
        if(median(second.n_events) > 0, median(second.n_events), avg(second.n_events)) as typical_events,
        greatest(any_value(parameter.dead_gap_min_s), ceil(20 / typical_events)) as dead_gap_s
    from second
    inner join parameter on second.file_id = parameter.file_id
    group by second.file_id
),

final as (
    select
        second.file_id,
        second.station_id,
        second.second_start,
        second.n_events,
        second.n_coincidence,
        second.n_self_trigger,
        second.second_start in (file.first_second, file.last_second) as is_edge,
        second.n_empty >= file.dead_gap_s as is_dead_gap
    from second
    inner join file on second.file_id = file.file_id
)

select * from final
order by file_id, second_start
