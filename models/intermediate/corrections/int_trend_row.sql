{{ config(materialized='view') }}
{#- What the learned trend reads of every hour of a configuration: the air, and the rate where a fit that knows no
    primary flux may use it. No hour at all while the learned trend is off. -#}
with

rate as (
    select * from {{ ref('int_rate_fit_row') }}
    where bin_width_s = 3600 and group_code = 'all' and {{ 'true' if var('trend_enabled') else 'false' }}
),

bin_environment as (
    select * from {{ ref('int_bin_environment') }}
),

configuration_range as (
    select * from {{ ref('int_configuration_range') }}
),

final as (
    select
        rate.station_id,
        rate.conf_number,
        configuration_range.range_start,
        date_trunc('month', configuration_range.range_end) as full_until,
        rate.bin_start,
        case when rate.fit_exclusion_reason is null then rate.rate_eff_hz end as rate_eff_hz,
        case when rate.pressure_source = 'ext' then rate.pressure_delta_hpa end as pressure_delta_hpa,
        bin_environment.temp_mass_avg_k,
        bin_environment.temp_100hpa_k,
        bin_environment.height_100hpa_m / 1000 as height_100hpa_km,
        bin_environment.temp_ground_k
    from rate
    inner join configuration_range
        on
            rate.station_id = configuration_range.station_id
            and rate.conf_number is not distinct from configuration_range.conf_number
    left join bin_environment
        on
            rate.station_id = bin_environment.station_id
            and rate.bin_start = bin_environment.bin_start
            and rate.bin_width_s = bin_environment.bin_width_s
)

select * from final
