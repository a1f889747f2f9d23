{{ config(materialized='view') }}
with

rate as (
    select * from {{ ref('fct_rate') }}
    where bin_width_s = 3600
),

final as (
    select
        bin_start as time,
        station_id,
        station_code,
        bin_width_s,
        group_code,
        conf_number,
        is_configuration_fallback,
        is_z_default,
        n_tel,
        live_s,
        coverage,
        rate_raw_hz,
        rate_raw_sigma_hz,
        rate_eff_hz,
        rate_eff_sigma_hz,
        rate_eff_p_hz,
        rate_eff_p_sigma_hz,
        rate_eff_pt_hz,
        rate_eff_pt_sigma_hz,
        rate_final_hz,
        rate_final_sigma_hz,
        final_stage,
        rate_without_eff_hz,
        rate_without_pressure_hz,
        rate_without_temperature_hz,
        rate_norm_pct,
        rate_norm_sigma_pct,
        eff_status,
        pressure_status,
        temperature_status,
        is_usable,
        is_outlier,
        is_excluded
    from rate
)

select * from final
