{{ config(materialized='view') }}

with

live_minute as (
    select * from {{ ref('fct_minute_live') }}
    where live_s >= 1
),

minute_count as (
    select * from {{ ref('fct_minute_count') }}
    where region_code not in ('all', 'none')
),

label as (
    select * from {{ ref('tt_label') }}
),

ring as (
    select * from {{ ref('angular_ring') }}
),

region as (
    select 'R' || ring || '.' || unnest(range(n_sectors)) as region_code
    from ring
),

final as (
    select
        live_minute.station_id,
        live_minute.minute_start,
        kind.tt_kind,
        label.tt,
        region.region_code,
        coalesce(minute_count.n_events, 0) as n_events
    from live_minute
    cross join label
    cross join region
    cross join (values ('list_tt'), ('fit_tt')) as kind (tt_kind)
    left join minute_count
        on
            live_minute.station_id = minute_count.station_id
            and live_minute.minute_start = minute_count.minute_start
            and kind.tt_kind = minute_count.tt_kind
            and label.tt = minute_count.tt
            and region.region_code = minute_count.region_code
)

select * from final
