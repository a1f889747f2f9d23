{{ config(materialized='view') }}
with

corrected as (
    select * from {{ ref('large_corrected_table') }}
    where bin_width_s = 3600
),

file as (
    select * from {{ ref('dim_file') }}
),

live_day as (
    select
        station_id,
        station_code,
        date_trunc('day', bin_start) as time,
        sum(live_s) as live_s
    from corrected
    group by all
),

file_day as (
    select
        station_id,
        date_trunc('day', start_time) as time,
        count(*) as n_files
    from file
    group by all
),

-- a day without any row is a day without coverage
station_day as (
    select
        station_id,
        station_code,
        unnest(generate_series(min(time), max(time), interval 1 day)) as time
    from live_day
    group by station_id, station_code
),

final as (
    select
        station_day.time,
        station_day.station_id,
        station_day.station_code,
        coalesce(live_day.live_s, 0) as live_s,
        coalesce(live_day.live_s, 0) / 86400 as coverage,
        coalesce(file_day.n_files, 0) as n_files
    from station_day
    left join live_day using (station_id, station_code, time)
    left join file_day using (station_id, time)
)

select * from final
