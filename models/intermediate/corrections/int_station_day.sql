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
    select *
    from candidate
    qualify row_number() over (
        partition by station_id, day_start
        order by valid_from desc, valid_to desc nulls first, conf_number desc
    ) = 1
),

final as (
    select
        station_day.station_id,
        station_day.day_start,
        cast(covering.conf_number as double) as conf_number
    from station_day
    left join covering using (station_id, day_start)
)

select * from final
