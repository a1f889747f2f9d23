{{ config(
    materialized='incremental',
    incremental_strategy='replace_correction_day',
    on_schema_change='append_new_columns',
    pre_hook="{{ correction_day_hook() }}"
) }}

{#- Minutes whose telescope rate is too far from that of the half hour around them to be chance. -#}
{%- set min_neighbours = 20 -%}
{%- set min_live_s = 30 -%}
with

live as (
    select * from {{ ref('fct_minute_live') }}
    where live_s > 0
),

pattern as (
    select * from {{ ref('int_minute_pattern') }}
),

telescope_minute as (
    select
        cast(live.station_id as tinyint) as station_id,
        live.minute_start,
        live.live_s,
        (coalesce(pattern.n_1234, 0) + coalesce(pattern.n_124, 0) + coalesce(pattern.n_134, 0)) / live.live_s as rate_hz
    from live
    left join pattern using (station_id, minute_start)
    where {{ within_correction_time('live.minute_start', margin=30) }}
),

neighbourhood as (
    select
        station_id,
        minute_start,
        live_s,
        rate_hz,
        median(case when live_s >= {{ min_live_s }} then rate_hz end) over half_hour_around as median_hz,
        count(case when live_s >= {{ min_live_s }} then rate_hz end) over half_hour_around as n_neighbours
    from telescope_minute
    window half_hour_around as (
        partition by station_id order by minute_start
        range between interval 30 minutes preceding and interval 30 minutes following
    )
),

final as (
    select
        station_id,
        minute_start,
        (rate_hz - median_hz) / sqrt(median_hz / live_s) as z
    from neighbourhood
    where
        n_neighbours >= {{ min_neighbours }}
        and median_hz > 0
        and abs((rate_hz - median_hz) / sqrt(median_hz / live_s)) > {{ var('bins_minute_z_max') }}
        and {{ in_correction_day('station_id', 'minute_start') }}
)

select * from final
