with

configuration_range as (
    select * from {{ ref('int_configuration_range') }}
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
),

temperature_reference as (
    select * from {{ ref('int_temperature_reference') }}
),

fit as (
    select * from {{ ref('int_temperature_fit') }}
),

bound as (
    select * from {{ ref('coefficient_bound') }}
),

bin_temperature as (
    select * from {{ ref('int_bin_temperature') }}
),

method as (
    {%- for method in temperature_inputs() %}
    select '{{ method }}' as method
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

usable_hour as (
    select
        rate.*,
        configuration_range.range_start
    from {{ ref('int_rate_fit_row') }} as rate
    inner join configuration_range
        on
            rate.station_id = configuration_range.station_id
            and rate.conf_number is not distinct from configuration_range.conf_number
            and rate.bin_start < configuration_range.fit_until
    where rate.bin_width_s = 3600 and rate.group_code = 'all' and rate.is_usable
),

hour_count as (
    select
        station_id,
        range_start,
        count(*) as n_usable,
        count(pressure_delta_hpa) as n_with_pressure
    from usable_hour
    group by station_id, range_start
),

air_count as (
    select
        usable_hour.station_id,
        usable_hour.range_start,
        bin_temperature.method,
        count(*) as n_with_air
    from usable_hour
    inner join bin_temperature using (station_id, bin_start, bin_width_s)
    group by usable_hour.station_id, usable_hour.range_start, bin_temperature.method
),

judged as (
    select
        fit.station_id,
        fit.range_start,
        fit.method,
        coalesce(bool_or(
            {{ bounded_coefficient('fit', 'bound.quantity') }} < bound.error_low
            or {{ bounded_coefficient('fit', 'bound.quantity') }} > bound.error_high
        ), false) as is_out_of_bounds
    from fit
    cross join bound
    group by fit.station_id, fit.range_start, fit.method
),

joined as (
    select
        configuration_range.station_id,
        configuration_range.conf_number,
        method.method,
        configuration_range.range_start,
        configuration_range.range_end,
        configuration_range.fit_until,
        station_reference.reference_pressure_hpa,
        temperature_reference.temp_ref_k,
        temperature_reference.height_ref_km,
        fit.* exclude (station_id, range_start, method, n_days, has_primary),
        coalesce(fit.n_days, 0) as n_days,
        coalesce(fit.has_primary, false) as has_primary,
        judged.is_out_of_bounds,
        coalesce(hour_count.n_usable, 0) as n_usable,
        coalesce(hour_count.n_with_pressure, 0) as n_with_pressure,
        coalesce(air_count.n_with_air, 0) as n_with_air,
        coalesce(max(air_count.n_with_air) over same_range, 0) as n_with_any_air,
        {{ temperature_preference('method.method') }} as preference
    from configuration_range
    cross join method
    inner join station_reference using (station_id)
    left join temperature_reference using (station_id, method)
    left join fit using (station_id, range_start, method)
    left join judged using (station_id, range_start, method)
    left join hour_count using (station_id, range_start)
    left join air_count using (station_id, range_start, method)
    window same_range as (partition by configuration_range.station_id, configuration_range.range_start)
),

-- a station need not have weights for the effective temperature: without them that method has rows only where asked for
asked as (
    select
        *,
        case
            when n_usable = 0 then 'empty_range'
            when n_with_pressure = 0 then 'missing_pressure'
            when n_with_any_air = 0 then 'missing_environment'
            when n_with_air = 0 and method = 'duperier' then 'missing_environment'
            when n_with_air = 0 then 'no_profile'
            when n_days < {{ var('temperature_min_days') }} then 'insufficient_rows'
            when
                coalesce(
                    height_span_km < {{ var('temperature_min_span_km') }},
                    temp_span_k < {{ var('temperature_min_span_k') }}
                )
                then 'insufficient_span'
            when beta_sigma_pct_per_hpa is null or alpha_sigma_pct_per_k is null then 'fit_failed'
            when
                condition_number > {{ var('temperature_max_condition') }} or max_vif > {{ var('temperature_max_vif') }}
                then 'ill_conditioned'
            when is_out_of_bounds then 'out_of_bounds'
            else 'ok'
        end as fit_status
    from joined
    where n_with_air > 0 or preference is not null or method != 'effective'
),

final as (
    select
        station_id,
        conf_number,
        method,
        range_start,
        range_end,
        fit_until,
        reference_pressure_hpa,
        temp_ref_k,
        height_ref_km,
        beta_pct_per_hpa,
        beta_sigma_pct_per_hpa,
        alpha_pct_per_k,
        alpha_sigma_pct_per_k,
        mu_pct_per_km,
        mu_sigma_pct_per_km,
        gamma_pct_per_pct,
        gamma_sigma_pct_per_pct,
        cov_beta_alpha,
        cov_beta_mu,
        cov_alpha_mu,
        rate_at_ref_hz,
        r2,
        chi2_ndf,
        n_days,
        condition_number,
        max_vif,
        has_primary,
        primary_code,
        fit_status,
        fit_status = 'ok' and preference is not null
        and preference = min(preference) filter (where fit_status = 'ok')
            over (partition by station_id, range_start) as is_applied
    from asked
)

select * from final
