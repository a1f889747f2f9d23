{{ config(materialized='view') }}

with

span as (
    select * from {{ ref('int_file_span') }}
),

current_file as (
    select * from {{ ref('dim_file') }}
),

superseded as (
    select * from {{ ref('int_file_superseded') }}
),

{# blocks of seconds are judged by the five minutes around them, so a file also matters to a day it ends just before #}
covered as (
    select
        span.file_id,
        span.station_id,
        span.lineage_id,
        superseded.file_id is not null as is_superseded,
        unnest(
            generate_series(
                date_trunc('day', span.first_second - interval 10 minutes),
                date_trunc('day', span.last_second + interval 10 minutes),
                interval 1 day
            )
        ) as day_start
    from span
    semi join current_file on span.file_id = current_file.file_id
    left join superseded on span.file_id = superseded.file_id
),

final as (
    select
        station_id,
        cast(day_start as date) as day,
        file_id,
        lineage_id,
        is_superseded
    from covered
)

select * from final
