with

lab as (
    select * from {{ ref('int_lab_minute') }}
),

minutes as (
    select
        station_id,
        minute_start
    from lab
),

span as (
    select
        station_id,
        min(minute_start) as first_minute,
        max(minute_start) as last_minute
    from minutes
    group by station_id
),

final as (
    select
        station_id,
        unnest(generate_series(first_minute, last_minute, interval 1 minute)) as minute_start
    from span
)

select * from final
