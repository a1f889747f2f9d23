{{ config(severity='warn') }}
-- Minutes with events but no live time, where they are more than one in a thousand.
with

minute as (
    select * from {{ ref('large_table') }}
)

select
    station_id,
    count(*) filter (where reject_reason = 'count_without_live') as n_rejected,
    count(*) as n_minutes
from minute
group by station_id
having n_rejected > 0.001 * n_minutes
