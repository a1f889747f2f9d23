{{ config(materialized='view') }}
{#- What barometric coefficients are fitted on: hours of the stations by direction group, intervals of the monitors. -#}
with

rate as (
    select * from {{ ref('int_rate_fit_row') }}
    where bin_width_s = 3600
),

monitor as (
    select * from {{ ref('int_pressure_monitor_row') }}
),

series as (
    select * from {{ ref('int_pressure_range') }}
    where scope = 'config'
),

of_station as (
    select
        series.target_kind,
        series.target_code,
        series.series_start,
        rate.group_code,
        rate.bin_start,
        3600 as width_s,
        rate.is_usable,
        rate.pressure_source is not null as has_pressure,
        rate.fit_exclusion_reason,
        rate.pressure_delta_hpa,
        rate.rate_eff_hz as rate_hz,
        rate.rate_eff_sigma_hz as rate_sigma_hz
    from rate
    inner join series
        on
            rate.station_id = series.station_id
            and rate.conf_number is not distinct from series.conf_number
            and rate.bin_start < series.range_end
            and rate.bin_start + interval 1 hour > series.range_start
),

of_monitor as (
    select
        series.target_kind,
        series.target_code,
        series.series_start,
        'all' as group_code,
        monitor.interval_start as bin_start,
        monitor.resolution_s as width_s,
        monitor.rate_hz is not null as is_usable,
        monitor.pressure_delta_hpa is not null as has_pressure,
        monitor.fit_exclusion_reason,
        monitor.pressure_delta_hpa,
        monitor.rate_hz,
        monitor.rate_sigma_hz
    from monitor
    inner join series using (nm_code)
),

row_of_any as (
    select * from of_station
    union all
    select * from of_monitor
),

final as (
    select
        target_kind,
        target_code,
        series_start,
        group_code,
        bin_start,
        width_s,
        is_usable,
        has_pressure,
        fit_exclusion_reason,
        case when fit_exclusion_reason is null then pressure_delta_hpa end as x,
        case when fit_exclusion_reason is null then ln(rate_hz) end as y,
        case when fit_exclusion_reason is null then pow(rate_hz / rate_sigma_hz, 2) end as w
    from row_of_any
)

select * from final
