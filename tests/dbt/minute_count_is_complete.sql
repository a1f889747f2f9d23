-- In every minute each kind of label counts the same events, namely the coincidences of its live seconds. Rows: the
-- minutes and kinds where it is not so.
with

counted as (
    select
        station_id,
        minute_start,
        tt_kind,
        sum(n_events) as n_events
    from {{ ref('fct_minute_count') }}
    where (station_id, cast(minute_start as date)) in (select (station_id, day) from {{ ref('int_day_todo') }})
    group by station_id, minute_start, tt_kind
),

live as (
    select
        station_id,
        minute_start,
        n_events_live,
        unnest(['raw_tt', 'clean_tt', 'list_tt', 'fit_tt']) as tt_kind
    from {{ ref('fct_minute_live') }}
    where
        live_s >= 1
        and (station_id, cast(minute_start as date)) in (select (station_id, day) from {{ ref('int_day_todo') }})
)

select *
from counted
full join live using (station_id, minute_start, tt_kind)
where n_events is distinct from n_events_live
