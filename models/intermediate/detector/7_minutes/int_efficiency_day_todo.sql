{{ config(materialized='table') }}

with

day_todo as (
    select * from {{ ref('int_day_todo') }}
),

day_source as (
    select * from {{ ref('int_day_source') }}
),

file as (
    select * from {{ ref('dim_file') }}
),

{# the efficiency of a file stands at its start, which may lie a day before the seconds that changed #}
final as (
    select
        station_id,
        day
    from day_todo
    union
    select
        day_source.station_id,
        cast(file.start_time as date) as day
    from day_todo
    inner join day_source on day_todo.station_id = day_source.station_id and day_todo.day = day_source.day
    inner join file on day_source.file_id = file.file_id
)

select * from final
order by day, station_id
