{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'minute_start'},
) }}

with

file as (
    select * from {{ ref('dim_file') }}
),

{# all events of all files, whatever became of their seconds #}
minute as (
    select
        station_id,
        minute_start,
        count(distinct file_id) as n_files,
        max(file_id) as newest_file_id,
        sum(n_coincidence) as n_coincidence,
        sum(n_self_trigger) as n_self_trigger,
        sum(n_other_trigger) as n_other_trigger
    from {{ ref('int_minute_file') }}
    {{ where_day_todo('station_id', 'minute_start') }}
    group by station_id, minute_start
),

live as (
    select
        station_id,
        date_trunc('minute', second_start) as minute_start,
        count(*) filter (where is_live) as live_s,
        count(*) filter (where is_edge) as n_edge_s,
        count(*) filter (where is_dead_gap) as n_dead_s,
        count(*) filter (where is_outlier) as n_outlier_s,
        coalesce(sum(n_coincidence) filter (where is_live), 0) as n_events_live
    from {{ ref('int_second') }}
    {{ where_day_todo('station_id', 'second_start') }} and not is_superseded
    group by station_id, date_trunc('minute', second_start)
),

final as (
    select
        minute.station_id,
        minute.minute_start,
        cast(coalesce(live.live_s, 0) as tinyint) as live_s,
        cast(coalesce(live.n_edge_s, 0) as tinyint) as n_edge_s,
        cast(coalesce(live.n_dead_s, 0) as tinyint) as n_dead_s,
        cast(coalesce(live.n_outlier_s, 0) as tinyint) as n_outlier_s,
        cast(coalesce(live.n_events_live, 0) as bigint) as n_events_live,
        cast(minute.n_coincidence - coalesce(live.n_events_live, 0) as bigint) as n_events_dropped,
        cast(minute.n_self_trigger as bigint) as n_self_trigger,
        cast(minute.n_other_trigger as bigint) as n_other_trigger,
        cast(minute.n_files as tinyint) as n_files,
        file.conf_number,
        file.is_configuration_fallback,
        file.is_z_default
    from minute
    inner join file on minute.newest_file_id = file.file_id
    left join live on minute.station_id = live.station_id and minute.minute_start = live.minute_start
)

select * from final
order by minute_start, station_id
