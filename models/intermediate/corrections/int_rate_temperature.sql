{{ config(materialized='view') }}
{#- The last stage of the rates, and what each correction does to it. The coefficients of the joint fit are those of all
    directions, for every group: the days of a single group say too little. -#}
{%- set apply = var('temperature_apply') -%}
with

rate as (
    select * from {{ ref('int_rate_pressure') }}
),

bin_temperature as (
    select * from {{ ref('int_bin_temperature') }}
),

-- the coefficients to apply; where there are none, those of the first method, whose status says why
coefficient as (
    select *
    from {{ ref('fct_temperature_coefficient') }}
    qualify
        row_number() over (
            partition by station_id, conf_number
            order by is_applied desc, {{ temperature_preference('method') }} nulls last, method
        ) = 1
),

air as (
    select
        rate.station_id,
        rate.bin_start,
        rate.bin_width_s,
        coefficient.fit_status,
        case when coefficient.is_applied then coefficient.method end as temperature_method,
        case when coefficient.is_applied then coefficient.beta_pct_per_hpa end as joint_beta_pct_per_hpa,
        case when coefficient.is_applied then coefficient.beta_sigma_pct_per_hpa end as joint_beta_sigma_pct_per_hpa,
        case when coefficient.is_applied then coefficient.alpha_pct_per_k end as alpha_pct_per_k,
        case when coefficient.is_applied then coefficient.mu_pct_per_km end as mu_pct_per_km,
        {{ pressure_factor('coefficient.beta_pct_per_hpa', 'rate.pressure_delta_hpa') }} as joint_pressure_factor,
        {{ temperature_factor(
            'coefficient.alpha_pct_per_k', '(bin_temperature.temp_k - coefficient.temp_ref_k)',
            'coefficient.mu_pct_per_km', '(bin_temperature.height_km - coefficient.height_ref_km)') }}
            as temperature_factor,
        {{ joint_variance(
            'coefficient', 'rate.pressure_delta_hpa', '(bin_temperature.temp_k - coefficient.temp_ref_k)',
            '(bin_temperature.height_km - coefficient.height_ref_km)') }} as joint_variance
    from rate
    left join coefficient
        on rate.station_id = coefficient.station_id and rate.conf_number is not distinct from coefficient.conf_number
    -- only of coefficients that are applied
    left join bin_temperature
        on
            rate.station_id = bin_temperature.station_id
            and rate.bin_start = bin_temperature.bin_start
            and rate.bin_width_s = bin_temperature.bin_width_s
            and coefficient.method = bin_temperature.method
            and coefficient.is_applied
    where rate.group_code = 'all'
),

joined as (
    select
        rate.*,
        air.* exclude (station_id, bin_start, bin_width_s, fit_status),
        case
            when rate.pressure_delta_hpa is null then 'missing_pressure'
            when air.temperature_method is null then coalesce(air.fit_status, 'missing_coefficient')
            when air.temperature_factor is null then 'missing_environment'
            else 'ok'
        end as temperature_status,
        rate.rate_eff_hz * air.joint_pressure_factor * air.temperature_factor as rate_eff_pt_hz,
        case
            when rate.rate_eff_hz is not null and rate.pressure_delta_hpa is not null and air.temperature_factor is not null
                then {{ joint_corrected_sigma(
                    'rate.rate_eff_hz', 'rate.rate_eff_sigma_hz', 'air.joint_pressure_factor * air.temperature_factor',
                    'air.joint_variance', 'air.joint_beta_pct_per_hpa', 'rate.pressure_sigma_hpa') }}
        end as rate_eff_pt_sigma_hz
    from rate
    left join air using (station_id, bin_start, bin_width_s)
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
