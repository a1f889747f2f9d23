{#- The ranges for which a coefficient is fitted: whole configurations of the stations, whole series of the neutron
    monitors, and the calendar months of both. -#}
with

configuration_range as (
    select * from {{ ref('int_configuration_range') }}
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
),

monitor_row as (
    select * from {{ ref('int_pressure_monitor_row') }}
),

monitor as (
    select
        nm_code,
        any_value(reference_pressure_hpa) as reference_pressure_hpa,
        min(interval_start) as range_start,
        max(interval_start + to_seconds(resolution_s)) as range_end
    from monitor_row
    group by nm_code
),

series as (
    select
        'station' as target_kind,
        station_reference.station_code as target_code,
        configuration_range.station_id,
        cast(null as varchar) as nm_code,
        configuration_range.conf_number,
        configuration_range.range_start,
        configuration_range.range_end,
        configuration_range.fit_until,
        station_reference.reference_pressure_hpa
    from configuration_range
    inner join station_reference using (station_id)
    union all
    select
        'nm' as target_kind,
        nm_code as target_code,
        cast(null as tinyint) as station_id,
        nm_code,
        cast(null as double) as conf_number,
        range_start,
        range_end,
        {{ fit_until('range_start', 'range_end') }} as fit_until,
        reference_pressure_hpa
    from monitor
),

month_start as (
    select
        *,
        unnest(generate_series(
            date_trunc('month', range_start), date_trunc('month', range_end - interval 1 microsecond), interval 1 month
        )) as month_start
    from series
),

final as (
    select
        'config' as scope,
        target_kind,
        target_code,
        station_id,
        nm_code,
        conf_number,
        range_start as series_start,
        cast(null as timestamp) as month_start,
        range_start,
        range_end,
        fit_until,
        reference_pressure_hpa
    from series
    union all
    select
        'month' as scope,
        target_kind,
        target_code,
        station_id,
        nm_code,
        conf_number,
        range_start as series_start,
        month_start,
        greatest(range_start, month_start) as range_start,
        least(range_end, month_start + interval 1 month) as range_end,
        least(range_end, month_start + interval 1 month) as fit_until,
        reference_pressure_hpa
    from month_start
)

select * from final
