{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'hour_start'},
) }}

with

second as (
    select
        file_id,
        second_start
    from {{ ref('int_second') }}
    {{ where_day_todo('station_id', 'second_start') }} and is_live
),

final as (
    select
        track.station_id,
        date_trunc('hour', track.event_time) as hour_start,
        track.file_id,
        track.list_tt,
        track.clean_tt,
        track.fiducial_mask,
        count(*) as n_events
    from {{ ref('fct_track') }} as track
    inner join second on track.file_id = second.file_id and track.event_time = second.second_start
    group by
        track.station_id,
        date_trunc('hour', track.event_time),
        track.file_id,
        track.list_tt,
        track.clean_tt,
        track.fiducial_mask
)

select * from final
order by hour_start, file_id, list_tt, clean_tt, fiducial_mask
