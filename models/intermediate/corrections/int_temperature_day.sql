{#- Daily means of what the joint fit compares, weighted as the hours' rates are known, over the hours that may enter.
    Means of all quantities are taken over the same hours, so that a linear law of the hours is one of the days. -#}
{%- set min_hours = 18 -%}
with

rate as (
    select * from {{ ref('int_rate_fit_row') }}
    where bin_width_s = 3600 and group_code = 'all' and is_joint_fit_row
),

configuration_range as (
    select * from {{ ref('int_configuration_range') }}
),

bin_temperature as (
    select * from {{ ref('int_bin_temperature') }}
),

temperature_reference as (
    select * from {{ ref('int_temperature_reference') }}
),

station_primary as (
    select * from {{ ref('int_station_primary') }}
),

hour as (
    select
        rate.station_id,
        configuration_range.range_start,
        bin_temperature.method,
        date_trunc('day', rate.bin_start) as day_start,
        ln(rate.rate_eff_hz) as y,
        pow(rate.rate_eff_hz / rate.rate_eff_sigma_hz, 2) as w,
        rate.pressure_delta_hpa,
        bin_temperature.temp_k - temperature_reference.temp_ref_k as temp_delta_k,
        bin_temperature.height_km - temperature_reference.height_ref_km as height_delta_km,
        station_primary.primary_pct,
        station_primary.primary_code
    from rate
    inner join configuration_range
        on
            rate.station_id = configuration_range.station_id
            and rate.conf_number is not distinct from configuration_range.conf_number
            and rate.bin_start < configuration_range.fit_until
    inner join bin_temperature
        on
            rate.station_id = bin_temperature.station_id
            and rate.bin_start = bin_temperature.bin_start
            and rate.bin_width_s = bin_temperature.bin_width_s
    inner join temperature_reference
        on
            bin_temperature.station_id = temperature_reference.station_id
            and bin_temperature.method = temperature_reference.method
    left join station_primary
        on
            rate.station_id = station_primary.station_id
            and rate.bin_start = station_primary.bin_start
            and rate.bin_width_s = station_primary.bin_width_s
),

final as (
    select
        station_id,
        range_start,
        method,
        day_start,
        count(*) as n_hours,
        {{ exact_sum('w') }} as w,
        {%- for name in ['y', 'pressure_delta_hpa', 'temp_delta_k', 'height_delta_km'] %}
        {{ live_weighted_mean(name, 'w') }} as {{ name }},
        {%- endfor %}
        case when count(primary_pct) >= {{ min_hours }} then {{ live_weighted_mean('primary_pct', 'w') }} end
            as primary_pct,
        min(primary_code) filter (where primary_pct is not null) as primary_code
    from hour
    group by station_id, range_start, method, day_start
    having count(*) >= {{ min_hours }}
)

select * from final
