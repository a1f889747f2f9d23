{{ config(materialized='view') }}
{#- The last stage of the rates, and what each correction does to it. -#}
with

rate as (
    select * from {{ ref('int_rate_pressure') }}
),

staged as (
    select
        *,
        applied_beta_pct_per_hpa as final_beta_pct_per_hpa,
        applied_beta_sigma_pct_per_hpa as final_beta_sigma_pct_per_hpa,
        applied_source as final_applied_source,
        pressure_factor as final_pressure_factor,
        cast(1 as double) as final_temperature_factor,
        cast(null as double) as alpha_pct_per_k,
        cast(null as double) as mu_pct_per_km,
        cast(null as double) as temperature_factor,
        cast(null as varchar) as temperature_method,
        'missing_coefficient' as temperature_status,
        cast(null as double) as rate_eff_pt_hz,
        cast(null as double) as rate_eff_pt_sigma_hz,
        rate_eff_p_hz as rate_final_hz,
        rate_eff_p_sigma_hz as rate_final_sigma_hz,
        'pressure' as final_stage
    from rate
),

final as (
    select
        *,
        rate_raw_hz * final_pressure_factor * final_temperature_factor as rate_without_eff_hz,
        rate_eff_hz * final_temperature_factor as rate_without_pressure_hz,
        rate_eff_hz * final_pressure_factor as rate_without_temperature_hz
    from staged
)

select * from final
