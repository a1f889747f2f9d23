{#- The outcome of every fit that is asked for, also of those that could not be made. -#}
with

pressure_range as (
    select * from {{ ref('int_pressure_range') }}
),

direction_group as (
    select distinct group_code from {{ ref('region_group') }}
),

range_row as (
    select * from {{ ref('int_pressure_range_row') }}
),

fit as (
    select * from {{ ref('int_pressure_fit') }}
),

bound as (
    select * from {{ ref('coefficient_bound') }}
    where quantity = 'beta_pct_per_hpa'
),

row_count as (
    select
        scope,
        station_id,
        range_start,
        group_code,
        count(*) filter (where is_usable) as n_usable,
        count(*) filter (where is_usable and pressure_source is not null) as n_with_pressure,
        count(*) filter (where fit_exclusion_reason is null or fit_exclusion_reason = 'few_counts') as n_but_positive,
        count(*) filter (where fit_exclusion_reason is not null) as n_excluded_rows
    from range_row
    group by scope, station_id, range_start, group_code
),

joined as (
    select
        pressure_range.*,
        direction_group.group_code,
        coalesce(row_count.n_usable, 0) as n_usable,
        coalesce(row_count.n_with_pressure, 0) as n_with_pressure,
        coalesce(row_count.n_but_positive, 0) as n_but_positive,
        coalesce(row_count.n_excluded_rows, 0) as n_excluded_rows,
        coalesce(fit.n_rows, 0) as n_rows,
        coalesce(fit.n_blocks, 0) as n_blocks,
        coalesce(fit.n_clusters, 0) as n_clusters,
        fit.pressure_span_hpa,
        fit.beta_pct_per_hpa,
        fit.beta_sigma_stat_pct_per_hpa,
        fit.beta_sigma_pct_per_hpa,
        fit.rate_at_p_ref_hz,
        fit.r2,
        fit.chi2_ndf,
        fit.residual_lag1,
        bound.error_low,
        bound.error_high
    from pressure_range
    cross join direction_group
    left join row_count using (scope, station_id, range_start, group_code)
    left join fit using (scope, station_id, range_start, group_code)
    left join bound using (group_code)
),

final as (
    select
        scope,
        station_id,
        conf_number,
        month_start,
        range_start,
        range_end,
        fit_until,
        group_code,
        n_excluded_rows,
        n_rows,
        n_blocks,
        n_clusters,
        pressure_span_hpa,
        beta_pct_per_hpa,
        beta_sigma_stat_pct_per_hpa,
        beta_sigma_pct_per_hpa,
        rate_at_p_ref_hz,
        r2,
        chi2_ndf,
        residual_lag1,
        case
            when not {{ var('pressure_enabled') }} then 'disabled'
            when n_usable = 0 then 'empty_range'
            when n_with_pressure = 0 then 'missing_pressure'
            when n_rows < {{ var('pressure_min_rows') }} and n_but_positive >= {{ var('pressure_min_rows') }}
                then 'insufficient_positive_rows'
            when n_rows < {{ var('pressure_min_rows') }} then 'insufficient_rows'
            when pressure_span_hpa < {{ var('pressure_min_span_hpa') }} then 'insufficient_span'
            when not coalesce(isfinite(beta_pct_per_hpa) and isfinite(beta_sigma_pct_per_hpa), false) then 'fit_failed'
            when beta_pct_per_hpa < error_low or beta_pct_per_hpa > error_high then 'out_of_bounds'
            when group_code != 'all' and beta_sigma_pct_per_hpa > {{ var('pressure_max_sigma_pct_per_hpa') }}
                then 'imprecise'
            else 'ok'
        end as fit_status
    from joined
)

select * from final
