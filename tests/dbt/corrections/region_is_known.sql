{{ config(severity='warn') }}
-- Events of the days of this run whose region or pattern is not one of ours; they are counted in n_events only.
with

minute_count as (
    select * from {{ ref('fct_minute_count') }}
    where tt_kind = '{{ var("rate_tt_kind") }}' and n_events > 0
),

todo as (
    select * from {{ ref('int_correction_day_todo') }}
)

select
    station_id,
    tt,
    region_code,
    sum(n_events) as n_events
from minute_count
where
    (station_id, date_trunc('day', minute_start)) in (select (todo.station_id, todo.day_start) from todo)
    and (
        region_code not in ('none', '{{ region_codes() | join("', '") }}')
        or tt not in ('{{ tt_labels() | join("', '") }}', '1', '2', '3', '4', '0')
    )
group by station_id, tt, region_code
