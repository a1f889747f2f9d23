{#- What each day of a station is made from, as one number: the files whose minutes may reach it with their lineage, the
    environment of its minutes, and the settings. A file counts for the day it starts on and the days beside it. -#}
with

file as (
    select
        cast(station_id as tinyint) as station_id,
        file_id,
        lineage_id,
        date_trunc('day', start_time) as start_day
    from {{ ref('fct_file') }}
),

environment as (
    select * from {{ ref('fct_environment_minute') }}
),

live as (
    select distinct
        cast(station_id as tinyint) as station_id,
        date_trunc('day', minute_start) as day_start
    from {{ ref('fct_minute_live') }}
),

file_near_day as (
    select
        station_id,
        file_id,
        lineage_id,
        unnest([start_day - interval 1 day, start_day, start_day + interval 1 day]) as day_start
    from file
),

file_day as (
    select
        station_id,
        day_start,
        sum(hash(file_id, lineage_id)) as file_hash
    from file_near_day
    group by station_id, day_start
),

environment_day as (
    select
        cast(station_id as tinyint) as station_id,
        date_trunc('day', minute_start) as day_start,
        sum(hash(
            minute_start,
            {%- for name in environment_mean_columns() + fill_columns() %}
            {{ name }},
            {%- endfor %}
            {%- for name, unit in lab_columns() %}
            {{ name }}_source,
            {%- endfor %}
            is_era5_preliminary
        )) as environment_hash
    from environment
    group by all
),

station_day as (
    select * from live
    union
    select
        station_id,
        day_start
    from environment_day
),

final as (
    select
        station_day.station_id,
        station_day.day_start,
        concat_ws(
            '|',
            coalesce(file_day.file_hash, 0),
            coalesce(environment_day.environment_hash, 0),
            '{{ bin_widths() | join(" ") }}',
            '{{ var("rate_tt_kind") }}',
            '{{ var("bins_minute_z_max") }}',
            '{{ var("bins_min_coverage") }}'
        ) as fingerprint
    from station_day
    left join file_day using (station_id, day_start)
    left join environment_day using (station_id, day_start)
)

select * from final
