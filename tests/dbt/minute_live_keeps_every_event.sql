-- Every event of the files of a day is counted once in its minutes: live, dropped, self-trigger or other. Rows: the days
-- where it is not so.
with

day_todo as (
    select * from {{ ref('int_day_todo') }}
),

minute as (
    select
        station_id,
        cast(minute_start as date) as day,
        sum(n_events_live + n_events_dropped + n_self_trigger + n_other_trigger) as n_events
    from {{ ref('fct_minute_live') }}
    semi join day_todo on fct_minute_live.station_id = day_todo.station_id and cast(minute_start as date) = day_todo.day
    group by station_id, cast(minute_start as date)
),

source as (
    select distinct day_source.file_id
    from {{ ref('int_day_source') }} as day_source
    semi join day_todo on day_source.station_id = day_todo.station_id and day_source.day = day_todo.day
),

event as (
    select
        event.station_id,
        cast(event.event_time as date) as day,
        count(*) as n_events
    from {{ ref('int_event_clean') }} as event
    semi join source on event.file_id = source.file_id
    group by event.station_id, cast(event.event_time as date)
)

select *
from minute
full join event using (station_id, day)
semi join day_todo using (station_id, day)
where minute.n_events is distinct from event.n_events
