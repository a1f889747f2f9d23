{#- The outcome of every fit that is asked for, also of those that could not be made. -#}
with

pressure_range as (
    select * from {{ ref('int_pressure_range') }}
),

direction_group as (
    select distinct group_code from {{ ref('region_group') }}
),

fit as (
    select * from {{ ref('int_pressure_fit') }}
),

rolling as (
    select * from {{ ref('int_pressure_rolling') }}
),

bound as (
    select
        case quantity when 'beta_pct_per_hpa' then 'station' else 'nm' end as target_kind,
        coalesce(group_code, 'all') as group_code,
        error_low,
        error_high
    from {{ ref('coefficient_bound') }}
    where quantity in ('beta_pct_per_hpa', 'nm_beta_pct_per_hpa')
),

by_range as (
    select
        pressure_range.* exclude (series_start, month_start),
        direction_group.group_code,
        cast(null as integer) as half_width_days,
        fit.* exclude (scope, target_code, range_start, group_code)
    from pressure_range
    inner join direction_group on pressure_range.target_kind = 'station' or direction_group.group_code = 'all'
    left join fit using (scope, target_code, range_start, group_code)
),

by_window as (
    select
        'rolling' as scope,
        pressure_range.* exclude (scope, series_start, month_start, range_start, range_end, fit_until),
        rolling.centre - to_days(rolling.half_width_days) as range_start,
        rolling.centre + to_days(rolling.half_width_days) as range_end,
        rolling.centre + to_days(rolling.half_width_days) as fit_until,
        rolling.* exclude (target_code, series_start, centre)
    from rolling
    inner join pressure_range using (target_code, series_start)
    where pressure_range.scope = 'config'
),

asked_for as (
    select * from by_range
    union all by name
    select * from by_window
),

final as (
    select
        asked_for.scope,
        asked_for.target_kind,
        asked_for.target_code,
        asked_for.station_id,
        asked_for.nm_code,
        asked_for.conf_number,
        asked_for.range_start,
        asked_for.range_end,
        asked_for.fit_until,
        asked_for.half_width_days,
        asked_for.group_code,
        asked_for.reference_pressure_hpa,
        coalesce(asked_for.n_rows, 0) as n_rows,
        coalesce(asked_for.n_excluded_rows, 0) as n_excluded_rows,
        coalesce(asked_for.n_blocks, 0) as n_blocks,
        coalesce(asked_for.n_clusters, 0) as n_clusters,
        asked_for.pressure_span_hpa,
        asked_for.beta_pct_per_hpa,
        asked_for.beta_sigma_stat_pct_per_hpa,
        asked_for.beta_sigma_pct_per_hpa,
        asked_for.rate_at_p_ref_hz,
        asked_for.r2,
        asked_for.chi2_ndf,
        asked_for.residual_lag1,
        case
            when not {{ var('pressure_enabled') }} then 'disabled'
            when coalesce(asked_for.n_usable, 0) = 0 then 'empty_range'
            when asked_for.n_with_pressure = 0 then 'missing_pressure'
            when
                coalesce(asked_for.n_rows, 0) < {{ var('pressure_min_rows') }}
                and asked_for.n_but_positive >= {{ var('pressure_min_rows') }}
                then 'insufficient_positive_rows'
            when coalesce(asked_for.n_rows, 0) < {{ var('pressure_min_rows') }} then 'insufficient_rows'
            when asked_for.pressure_span_hpa < {{ var('pressure_min_span_hpa') }} then 'insufficient_span'
            when
                not coalesce(isfinite(asked_for.beta_pct_per_hpa) and isfinite(asked_for.beta_sigma_pct_per_hpa), false)
                then 'fit_failed'
            when asked_for.beta_pct_per_hpa < bound.error_low or asked_for.beta_pct_per_hpa > bound.error_high
                then 'out_of_bounds'
            when
                asked_for.group_code != 'all'
                and asked_for.beta_sigma_pct_per_hpa > {{ var('pressure_max_sigma_pct_per_hpa') }}
                then 'imprecise'
            else 'ok'
        end as fit_status
    from asked_for
    left join bound using (target_kind, group_code)
)

select * from final
