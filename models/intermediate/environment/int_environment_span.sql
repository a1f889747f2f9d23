{{ config(materialized='view') }}

with

lab as (
    select * from {{ ref('int_lab_minute') }}
),

live as (
    select * from {{ ref('fct_minute_live') }}
),

minutes as (
    select
        station_id,
        minute_start
    from lab
    union all
    select
        station_id,
        minute_start
    from live
),

final as (
    select
        station_id,
        min(minute_start) as first_minute,
        max(minute_start) as last_minute
    from minutes
    group by station_id
)

select * from final
