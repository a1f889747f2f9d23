{{ config(materialized='view') }}
with

live as (
    select
        cast(station_id as tinyint) as station_id,
        minute_start,
        cast(live_s as double) as live_s,
        cast(conf_number as double) as conf_number,
        is_configuration_fallback,
        is_z_default
    from {{ ref('fct_minute_live') }}
),

pattern as (
    select * from {{ ref('int_minute_pattern') }}
),

bad_minute as (
    select * from {{ ref('int_bad_minute') }}
),

environment as (
    select * from {{ ref('fct_environment_minute') }}
),

station_day as (
    select * from {{ ref('int_station_day') }}
),

minute_of_any_source as (
    select
        station_id,
        minute_start
    from live
    union all
    select
        station_id,
        minute_start
    from pattern
    union all
    select
        station_id,
        minute_start
    from environment
),

station_span as (
    select
        station_id,
        min(minute_start) as first_minute,
        least(max(minute_start), date_trunc('minute', cast(current_timestamp as timestamp))) as last_minute
    from minute_of_any_source
    group by station_id
),

-- every minute of a station, so that a gap in all sources is a row as well
spine as (
    select
        cast(station_id as tinyint) as station_id,
        unnest(generate_series(first_minute, last_minute, interval 1 minute)) as minute_start
    from station_span
),

final as (
    select
        spine.station_id,
        spine.minute_start,
        case when live.station_id is not null then live.conf_number else station_day.conf_number end as conf_number,
        live.is_configuration_fallback,
        live.is_z_default,
        coalesce(live.live_s, 0) as live_s,
        bad_minute.station_id is not null as is_bad_minute,
        case when coalesce(live.live_s, 0) = 0 and pattern.n_events > 0 then 'count_without_live' end as reject_reason,
        -- in a live minute a pattern without a row is a true zero, in any other minute it is unknown
        {%- for name in count_columns() %}
        case
            when live.live_s > 0 and pattern.station_id is null then 0
            when live.live_s > 0 then {{ pattern_count(name) }}
        end as {{ name }},
        {%- endfor %}
        {%- for name in log_columns() %}
        environment.{{ name }},
        {%- endfor %}
        {%- for name, unit in lab_columns() %}
        environment.{{ name }}_{{ unit }},
        environment.{{ name }}_source,
        {%- endfor %}
        {%- for name in era5_columns() %}
        environment.{{ name }},
        {%- endfor %}
        environment.is_era5_preliminary,
        {%- for name in fill_columns() %}
        environment.{{ name }},
        {%- endfor %}
        live.station_id is not null
        or pattern.station_id is not null
        or {{ has_environment_value('environment') }} as has_value
    from spine
    left join live using (station_id, minute_start)
    left join pattern using (station_id, minute_start)
    left join bad_minute using (station_id, minute_start)
    left join environment using (station_id, minute_start)
    left join station_day
        on spine.station_id = station_day.station_id and station_day.day_start = date_trunc('day', spine.minute_start)
)

select * from final
