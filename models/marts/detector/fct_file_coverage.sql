{{ config(materialized='table', pre_hook="{{ newest_remote_file_hook() }}") }}
{# What is listed under a name that is none of this station's detector files is never fetched, and counts nowhere. #}
with

remote_file as (
    select * from {{ ref('stg_remote_file') }}
),

file as (
    select * from {{ ref('dim_file') }}
),

minute_live as (
    select * from {{ ref('fct_minute_live') }}
),

listed as (
    select
        station_id,
        file_id,
        min(start_time) as start_time,
        bool_or(outcome not in ('not_included', 'not_regular', 'empty_remote', 'too_large')) as is_wanted
    from remote_file
    where file_id is not null and outcome not in ('bad_name', 'wrong_station')
    group by station_id, file_id
),

every_file as (
    select
        coalesce(file.station_id, listed.station_id) as station_id,
        cast(coalesce(file.start_time, listed.start_time) as date) as day,
        listed.file_id is not null as is_remote,
        file.file_id is not null as is_extracted,
        coalesce(file.n_events > 0, false) as has_events,
        file.file_id is null and listed.is_wanted as is_missing
    from file
    full outer join listed on file.file_id = listed.file_id
),

file_day as (
    select
        station_id,
        day,
        count(*) filter (where is_remote) as n_remote,
        count(*) filter (where is_extracted) as n_extracted,
        count(*) filter (where has_events) as n_accepted,
        count(*) filter (where is_extracted and not has_events) as n_rejected,
        count(*) filter (where is_missing) as n_missing
    from every_file
    group by station_id, day
),

live_day as (
    select
        station_id,
        cast(minute_start as date) as day,
        sum(live_s) as live_s
    from minute_live
    group by station_id, cast(minute_start as date)
),

final as (
    select
        coalesce(file_day.station_id, live_day.station_id) as station_id,
        coalesce(file_day.day, live_day.day) as day,
        coalesce(file_day.n_remote, 0) as n_remote,
        coalesce(file_day.n_extracted, 0) as n_extracted,
        coalesce(file_day.n_accepted, 0) as n_accepted,
        coalesce(file_day.n_rejected, 0) as n_rejected,
        coalesce(file_day.n_missing, 0) as n_missing,
        cast(coalesce(live_day.live_s, 0) as integer) as live_s
    from file_day
    full outer join live_day on file_day.station_id = live_day.station_id and file_day.day = live_day.day
)

select * from final
