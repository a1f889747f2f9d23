{#- The days of a station that have any input, with the configuration whose dates cover the day. Minutes without a file
    take that configuration. -#}
with

live as (
    select distinct
        cast(station_id as tinyint) as station_id,
        date_trunc('day', minute_start) as day_start
    from {{ ref('fct_minute_live') }}
),

environment as (
    select distinct
        cast(station_id as tinyint) as station_id,
        date_trunc('day', minute_start) as day_start
    from {{ ref('fct_environment_minute') }}
),

configuration as (
    select * from {{ ref('int_station_configuration') }}
),

station_day as (
    select * from live
    union
    select * from environment
),

candidate as (
    select
        station_day.station_id,
        station_day.day_start,
        configuration.conf_number,
        configuration.valid_from,
        configuration.valid_to
    from station_day
    inner join configuration
        on
            station_day.station_id = configuration.station_id
            and station_day.day_start >= configuration.valid_from
            and (configuration.valid_to is null or station_day.day_start <= configuration.valid_to)
),

covering as (
    select
        *,
        row_number() over newest_first as choice
    from candidate
    window newest_first as (
        partition by station_id, day_start order by valid_from desc, valid_to desc nulls first, conf_number desc
    )
),

final as (
    select
        station_day.station_id,
        station_day.day_start,
        cast(covering.conf_number as double) as conf_number
    from station_day
    left join covering
        on
            station_day.station_id = covering.station_id
            and station_day.day_start = covering.day_start
            and covering.choice = 1
)

select * from final
