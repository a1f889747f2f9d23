{{ config(
    materialized='incremental',
    incremental_strategy='replace_correction_bin',
    on_schema_change='append_new_columns',
    pre_hook="{{ correction_bin_hook() }}"
) }}
with

region as (
    select region_code from {{ ref('region_group') }}
    where group_code = 'all'
),

used_minute as (
    select
        station_id,
        minute_start
    from {{ ref('large_table') }}
    where live_s > 0 and not is_bad_minute
),

telescope_count as (
    select
        cast(station_id as tinyint) as station_id,
        minute_start,
        region_code,
        n_events
    from {{ ref('fct_minute_count') }}
    where
        tt_kind = '{{ var("rate_tt_kind") }}'
        and tt in ('1234', '124', '134')
        and region_code in (select region.region_code from region)
        and {{ within_correction_time('minute_start') }}
),

minute as (
    select telescope_count.*
    from telescope_count
    semi join used_minute using (station_id, minute_start)
),

binned as (
    {{ binned('minute') }}
),

final as (
    select
        station_id,
        bin_start,
        bin_width_s,
        region_code,
        cast(sum(n_events) as bigint) as n_tel
    from binned
    group by station_id, bin_start, bin_width_s, region_code
)

select * from final
