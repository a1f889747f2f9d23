{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'minute_start'},
) }}

with

source as (
    select distinct
        file_id,
        is_superseded
    from {{ ref('int_day_source') }}
    {{ where_day_todo('station_id', 'day') }}
),

owned as (
    select * from {{ ref('int_second') }}
    {{ where_day_todo('station_id', 'second_start') }}
),

{# every second of every file has one fate: it is live, or the first of these reasons keeps it out #}
judged as (
    select
        second.station_id,
        date_trunc('minute', second.second_start) as minute_start,
        second.file_id,
        case
            when source.is_superseded then 'superseded'
            when owned.file_id is null then 'overlap_second'
            when owned.is_edge then 'edge'
            when owned.is_dead_gap then 'dead_gap'
            when owned.is_outlier then 'outlier'
            else 'live'
        end as fate,
        second.n_events,
        second.n_coincidence,
        second.n_self_trigger
    from {{ ref('int_file_second') }} as second
    inner join source on second.file_id = source.file_id
    left join owned
        on
            second.station_id = owned.station_id
            and second.second_start = owned.second_start
            and second.file_id = owned.file_id
    {{ where_day_todo('second.station_id', 'second.second_start') }}
),

final as (
    select
        station_id,
        minute_start,
        file_id,
        fate,
        count(*) as n_seconds,
        cast(sum(n_coincidence) as bigint) as n_coincidence,
        cast(sum(n_self_trigger) as bigint) as n_self_trigger,
        cast(sum(n_events - n_coincidence - n_self_trigger) as bigint) as n_other_trigger
    from judged
    group by station_id, minute_start, file_id, fate
)

select * from final
order by minute_start, file_id
