{{ config(materialized='view') }}
{#- The last stage of the rates, and what each correction does to it. -#}
{%- set apply = var('temperature_apply') -%}
with

rate as (
    select * from {{ ref('int_rate_pressure') }}
),

temperature_factor as (
    select * from {{ ref('int_temperature_factor') }}
),

joined as (
    select
        *,
        rate_eff_hz * joint_pressure_factor * temperature_factor as rate_eff_pt_hz,
        case
            when rate_eff_hz is not null and temperature_status = 'ok'
                then {{ joint_corrected_sigma(
                    'rate_eff_hz', 'rate_eff_sigma_hz', 'joint_pressure_factor * temperature_factor',
                    'joint_variance_pct2', 'joint_beta_pct_per_hpa', 'pressure_sigma_hpa') }}
        end as rate_eff_pt_sigma_hz
    from rate
    left join temperature_factor using (station_id, bin_start, bin_width_s)
),

staged as (
    select
        *,
        {% if apply %}temperature_status = 'ok'{% else %}false{% endif %} as is_temperature_final
    from joined
),

corrected as (
    select
        *,
        case when is_temperature_final then 'pressure_temperature' else 'pressure' end as final_stage,
        case when is_temperature_final then rate_eff_pt_hz else rate_eff_p_hz end as rate_final_hz,
        case when is_temperature_final then rate_eff_pt_sigma_hz else rate_eff_p_sigma_hz end as rate_final_sigma_hz,
        case when is_temperature_final then joint_beta_pct_per_hpa else applied_beta_pct_per_hpa end
            as final_beta_pct_per_hpa,
        case when is_temperature_final then joint_beta_sigma_pct_per_hpa else applied_beta_sigma_pct_per_hpa end
            as final_beta_sigma_pct_per_hpa,
        case when is_temperature_final then 'fit' else applied_source end as final_applied_source,
        case when is_temperature_final then joint_pressure_factor else pressure_factor end as final_pressure_factor,
        case when is_temperature_final then temperature_factor else 1 end as final_temperature_factor
    from staged
),

final as (
    select
        *,
        rate_raw_hz * final_pressure_factor * final_temperature_factor as rate_without_eff_hz,
        rate_eff_hz * final_temperature_factor as rate_without_pressure_hz,
        rate_eff_hz * final_pressure_factor as rate_without_temperature_hz
    from corrected
)

select * from final
