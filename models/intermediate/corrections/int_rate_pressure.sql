{{ config(materialized='view') }}
{#- Rates brought to the reference pressure with the applied coefficient of their configuration and direction group. -#}
{%- set by_month = var('pressure_applied_scope') == 'month' -%}
{%- set same_month = "date_trunc('month', rate.bin_start) = date_trunc('month', coefficient.range_start)" -%}
with

rate as (
    select * from {{ ref('int_rate_fit_row') }}
),

coefficient as (
    select * from {{ ref('fct_pressure_coefficient') }}
    where is_applied
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
),

joined as (
    select
        rate.*,
        coefficient.applied_beta_pct_per_hpa,
        coefficient.applied_beta_sigma_pct_per_hpa,
        coefficient.applied_source,
        station_reference.pressure_sigma_hpa,
        {{ pressure_factor('coefficient.applied_beta_pct_per_hpa', 'rate.pressure_delta_hpa') }} as pressure_factor
    from rate
    inner join station_reference using (station_id)
    left join coefficient
        on
            rate.station_id = coefficient.station_id
            and rate.group_code = coefficient.group_code
            and rate.conf_number is not distinct from coefficient.conf_number
            and {{ same_month if by_month else 'true' }}
),

final as (
    select
        *,
        case
            when pressure_delta_hpa is null then 'missing_pressure'
            when applied_beta_pct_per_hpa is null then 'missing_coefficient'
            else 'ok'
        end as pressure_status,
        rate_eff_hz * pressure_factor as rate_eff_p_hz,
        case
            when rate_eff_hz is not null
                then {{ pressure_corrected_sigma(
                    'rate_eff_hz', 'rate_eff_sigma_hz', 'pressure_factor', 'applied_beta_pct_per_hpa',
                    'applied_beta_sigma_pct_per_hpa', 'pressure_delta_hpa', 'pressure_sigma_hpa') }}
        end as rate_eff_p_sigma_hz
    from joined
)

select * from final
