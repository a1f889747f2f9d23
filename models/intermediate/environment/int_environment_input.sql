{#- What the minutes of each day of a station are made from, as one word: its readings and those that reach into it, its
    part of the station's span, the rules of filling and the settings. -#}
with

lab as (
    select * from {{ ref('int_lab_minute') }}
),

era5 as (
    select * from {{ ref('int_era5_hourly') }}
),

span as (
    select * from {{ ref('int_environment_span') }}
),

gap_policy as (
    select * from {{ ref('gap_policy') }}
),

sensor_offset as (
    select * from {{ ref('sensor_offset') }}
),

reach as (
    {{ gap_reach('gap_policy') }}
),

rules as (
    select
        reach.reach,
        (select coalesce(sum(hash(gap_policy)), 0) from gap_policy) as policy_hash,
        (select coalesce(sum(hash(sensor_offset)), 0) from sensor_offset) as offset_hash
    from reach
),

readings as (
    {{ environment_readings('hash') }}
),

near_day as (
    select
        readings.station_id,
        readings.reading_hash,
        {{ days_reached('readings.minute_start', 'rules.reach') }} as day
    from readings
    cross join rules
),

reading_day as (
    select
        station_id,
        day,
        sum(reading_hash) as readings_hash
    from near_day
    group by station_id, day
),

station_day as (
    select
        station_id,
        first_minute,
        last_minute,
        cast(unnest(
            generate_series(date_trunc('day', first_minute), last_minute, interval 1 day)
        ) as date) as day
    from span
),

final as (
    select
        station_day.station_id,
        station_day.day,
        concat_ws(
            '|',
            coalesce(reading_day.readings_hash, 0),
            greatest(station_day.first_minute, station_day.day),
            least(station_day.last_minute, station_day.day + interval 1 day),
            rules.policy_hash,
            rules.offset_hash,
            '{{ var("lab_fallback_quantities") | sort | join(" ") }}'
        ) as fingerprint
    from station_day
    cross join rules
    left join reading_day
        on station_day.station_id = reading_day.station_id
            and station_day.day = reading_day.day
)

select * from final
