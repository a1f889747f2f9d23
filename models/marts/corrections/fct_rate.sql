with

rate as (
    select * from {{ ref('int_rate_temperature') }}
),

reference as (
    select * from {{ ref('int_rate_reference') }}
),

bin_count as (
    select * from {{ ref('int_bin_count') }}
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
),

final as (
    select
        rate.station_id,
        station_reference.station_code,
        rate.bin_start,
        rate.bin_width_s,
        rate.group_code,
        rate.conf_number,
        bin_count.is_configuration_fallback,
        bin_count.is_z_default,
        cast(rate.n_tel as bigint) as n_tel,
        rate.live_s,
        bin_count.coverage,
        rate.rate_raw_hz,
        rate.rate_raw_sigma_hz,
        rate.rate_eff_hz,
        rate.rate_eff_sigma_hz,
        rate.rate_eff_p_hz,
        rate.rate_eff_p_sigma_hz,
        rate.rate_eff_pt_hz,
        rate.rate_eff_pt_sigma_hz,
        rate.rate_final_hz,
        rate.rate_final_sigma_hz,
        rate.final_stage,
        rate.rate_without_eff_hz,
        rate.rate_without_pressure_hz,
        rate.rate_without_temperature_hz,
        100 * (rate.rate_final_hz / nullif(reference.reference_hz, 0) - 1) as rate_norm_pct,
        100 * rate.rate_final_sigma_hz / nullif(reference.reference_hz, 0) as rate_norm_sigma_pct,
        rate.eff_status,
        rate.pressure_status,
        rate.temperature_status,
        rate.is_usable,
        rate.is_outlier,
        rate.fit_exclusion_reason is not null as is_excluded
    from rate
    inner join bin_count using (station_id, bin_start, bin_width_s)
    inner join station_reference using (station_id)
    left join reference
        on
            rate.station_id = reference.station_id
            and rate.bin_width_s = reference.bin_width_s
            and rate.group_code = reference.group_code
            and rate.conf_number is not distinct from reference.conf_number
)

select * from final
