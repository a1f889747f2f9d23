{#- What pressure and temperature do to the rate of a bin by the joint fit. The coefficients are those of all
    directions, for every group: the days of a single group say too little. -#}
with

bin_count as (
    select * from {{ ref('int_bin_count') }}
    where live_s > 0
),

bin_environment as (
    select * from {{ ref('int_bin_environment') }}
),

bin_temperature as (
    select * from {{ ref('int_bin_temperature') }}
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
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

joined as (
    select
        bin_count.station_id,
        bin_count.bin_start,
        bin_count.bin_width_s,
        coefficient.* exclude (station_id, conf_number),
        bin_environment.pressure_lab_hpa - station_reference.reference_pressure_hpa as pressure_delta_hpa,
        bin_temperature.temp_k - coefficient.temp_ref_k as temp_delta_k,
        bin_temperature.height_km - coefficient.height_ref_km as height_delta_km
    from bin_count
    inner join station_reference using (station_id)
    left join bin_environment using (station_id, bin_start, bin_width_s)
    left join coefficient
        on
            bin_count.station_id = coefficient.station_id
            and bin_count.conf_number is not distinct from coefficient.conf_number
    left join bin_temperature
        on
            bin_count.station_id = bin_temperature.station_id
            and bin_count.bin_start = bin_temperature.bin_start
            and bin_count.bin_width_s = bin_temperature.bin_width_s
            and coefficient.method = bin_temperature.method
),

final as (
    select
        station_id,
        bin_start,
        bin_width_s,
        case when is_applied then method end as temperature_method,
        case when is_applied then beta_pct_per_hpa end as joint_beta_pct_per_hpa,
        case when is_applied then beta_sigma_pct_per_hpa end as joint_beta_sigma_pct_per_hpa,
        case when is_applied then alpha_pct_per_k end as alpha_pct_per_k,
        case when is_applied then mu_pct_per_km end as mu_pct_per_km,
        case when is_applied then {{ pressure_factor('beta_pct_per_hpa', 'pressure_delta_hpa') }} end
            as joint_pressure_factor,
        case
            when is_applied
                then {{ temperature_factor('alpha_pct_per_k', 'temp_delta_k', 'mu_pct_per_km', 'height_delta_km') }}
        end as temperature_factor,
        case when is_applied then {{ joint_variance('pressure_delta_hpa', 'temp_delta_k', 'height_delta_km') }} end
            as joint_variance_pct2,
        case
            when pressure_delta_hpa is null then 'missing_pressure'
            when is_applied and temp_delta_k is null then 'missing_environment'
            else coalesce(fit_status, 'missing_coefficient')
        end as temperature_status
    from joined
)

select * from final
