{#- Hours of every range and direction group, each with the logarithm of its rate and its weight. -#}
with

rate as (
    select * from {{ ref('int_rate_fit_row') }}
    where bin_width_s = 3600
),

pressure_range as (
    select * from {{ ref('int_pressure_range') }}
),

final as (
    select
        pressure_range.scope,
        pressure_range.range_start,
        rate.station_id,
        rate.group_code,
        rate.bin_start,
        date_trunc('month', rate.bin_start) as block_id,
        cast(floor(epoch(rate.bin_start) / 432000) as integer) as cluster_id,
        rate.is_usable,
        rate.pressure_source,
        rate.fit_exclusion_reason,
        rate.pressure_delta_hpa as x,
        case when rate.fit_exclusion_reason is null then ln(rate.rate_eff_hz) end as y,
        case when rate.fit_exclusion_reason is null then pow(rate.rate_eff_hz / rate.rate_eff_sigma_hz, 2) end as w
    from rate
    inner join pressure_range
        on
            rate.station_id = pressure_range.station_id
            and rate.conf_number is not distinct from pressure_range.conf_number
            and (pressure_range.month_start is null or pressure_range.month_start = date_trunc('month', rate.bin_start))
            and rate.bin_start < pressure_range.fit_until
)

select * from final
