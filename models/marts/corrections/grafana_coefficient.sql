{{ config(materialized='view') }}
with

coefficient as (
    select * from {{ ref('fct_pressure_coefficient') }}
),

station as (
    select
        station_id,
        station_code
    from {{ ref('dim_station') }}
),

final as (
    select
        coefficient.range_start + (coefficient.range_end - coefficient.range_start) / 2 as time,
        station.station_code,
        coefficient.coefficient_id,
        coefficient.target_kind,
        coefficient.station_id,
        coefficient.nm_code,
        coefficient.group_code,
        coefficient.scope,
        coefficient.conf_number,
        coefficient.range_start,
        coefficient.range_end,
        coefficient.fit_until,
        coefficient.half_width_days,
        coefficient.beta_pct_per_hpa,
        coefficient.beta_sigma_stat_pct_per_hpa,
        coefficient.beta_sigma_pct_per_hpa,
        coefficient.rate_at_p_ref_hz,
        coefficient.r2,
        coefficient.chi2_ndf,
        coefficient.n_rows,
        coefficient.n_excluded_rows,
        coefficient.n_blocks,
        coefficient.n_clusters,
        coefficient.pressure_span_hpa,
        coefficient.residual_lag1,
        coefficient.reference_pressure_hpa,
        coefficient.fit_status,
        coefficient.is_applied,
        coefficient.applied_beta_pct_per_hpa,
        coefficient.applied_beta_sigma_pct_per_hpa,
        coefficient.applied_source
    from coefficient
    left join station using (station_id)
)

select * from final
