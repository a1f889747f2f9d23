{{ config(materialized='view') }}
with

corrected as (
    select * from {{ ref('large_corrected_table') }}
    where bin_width_s = 3600 and rate_final_hz is not null and pressure_lab_hpa is not null
),

final as (
    select
        bin_start as Time,
        pressure_lab_hpa as P,
        rate_final_hz as rate,
        rate_final_sigma_hz as u_rate,
        eff_mean as eff,
        eff_mean_sigma as u_eff,
        rate_norm_pct / 100 as norm_rate,
        rate_norm_sigma_pct / 100 as u_norm_rate,
        station_id
    from corrected
)

select * from final
