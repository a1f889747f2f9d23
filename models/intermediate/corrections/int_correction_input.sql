{#- What each day of a station is made from, as one word: the files its minutes come from with their lineage, the
    environment of its minutes, and the settings. -#}
with

built_day as (
    select
        cast(station_id as tinyint) as station_id,
        cast(day as timestamp) as day_start,
        file_id,
        lineage_id,
        is_superseded
    from {{ ref('int_day_built') }}
),

environment as (
    select * from {{ ref('fct_environment_minute') }}
),

station_day as (
    select * from {{ ref('int_station_day') }}
),

-- minutes are judged by the half hour around them, so a file also matters to the days beside its own
file_near_day as (
    select
        station_id,
        file_id,
        lineage_id,
        is_superseded,
        unnest([day_start - interval 1 day, day_start, day_start + interval 1 day]) as day_start
    from built_day
),

file_day as (
    select
        station_id,
        day_start,
        sum(hash(file_id, lineage_id, is_superseded)) as file_hash
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

final as (
    select
        station_day.station_id,
        station_day.day_start,
        concat_ws(
            '|',
            coalesce(file_day.file_hash, 0),
            coalesce(environment_day.environment_hash, 0),
            coalesce(cast(station_day.conf_number as varchar), ''),
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
