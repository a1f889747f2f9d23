{#- Weighted regression of ln r on pressure for every range and group, without a row that must not enter.
    x and y are taken from their weighted means in each calendar month of the configuration, so that seasons, the solar
    cycle and slow drifts do not enter the slope. The error is the larger of the scaled statistical one and the one from
    clusters of five days, because residuals of neighbouring hours are correlated. -#}
{%- set target = 'scope, station_id, range_start, group_code' -%}
{%- set min_clusters = 6 -%}
with

fit_row as (
    select * from {{ ref('int_pressure_range_row') }}
    where fit_exclusion_reason is null
),

centred as (
    select
        *,
        x - sum({{ fixed('w * x') }}) over block / sum({{ fixed('w') }}) over block as xc,
        y - sum({{ fixed('w * y') }}) over block / sum({{ fixed('w') }}) over block as yc
    from fit_row
    window block as (partition by {{ target }}, block_id)
),

sums as (
    select
        {{ target }},
        count(*) as n_rows,
        count(distinct block_id) as n_blocks,
        {{ exact_sum('w') }} as sw,
        {{ exact_sum('w * x') }} as sx,
        {{ exact_sum('w * y') }} as sy,
        {{ exact_sum('w * xc * xc') }} as sxx,
        {{ exact_sum('w * xc * yc') }} as sxy,
        {{ exact_sum('w * yc * yc') }} as syy,
        quantile_cont(x, 0.95) - quantile_cont(x, 0.05) as pressure_span_hpa
    from centred
    group by {{ target }}
),

sloped as (
    select
        *,
        case when sxx > 0 then sxy / sxx end as slope
    from sums
),

residual as (
    select
        centred.scope,
        centred.station_id,
        centred.range_start,
        centred.group_code,
        centred.bin_start,
        centred.cluster_id,
        centred.w * centred.xc * (centred.yc - sloped.slope * centred.xc) as u,
        centred.w * pow(centred.yc - sloped.slope * centred.xc, 2) as chi2_part,
        centred.yc - sloped.slope * centred.xc as residual
    from centred
    inner join sloped using ({{ target }})
),

cluster_sum as (
    select
        {{ target }},
        cluster_id,
        {{ exact_sum('u') }} as u,
        {{ exact_sum('chi2_part') }} as chi2
    from residual
    group by {{ target }}, cluster_id
),

cluster_total as (
    select
        {{ target }},
        {{ exact_sum('u * u') }} as suu,
        {{ exact_sum('chi2') }} as chi2,
        count(*) as n_clusters
    from cluster_sum
    group by {{ target }}
),

stepped as (
    select
        {{ target }},
        residual,
        lag(residual) over hours as previous_residual,
        bin_start - lag(bin_start) over hours = interval 1 hour as is_next_hour
    from residual
    window hours as (partition by {{ target }} order by bin_start)
),

autocorrelation as (
    select
        {{ target }},
        {# of a single pair, or of equal residuals, the correlation is not a number #}
        nullif(
            round(corr(residual, previous_residual) filter (where is_next_hour), 6), cast('nan' as double)
        ) as residual_lag1
    from stepped
    group by {{ target }}
),

measured as (
    select
        sloped.*,
        cluster_total.n_clusters,
        autocorrelation.residual_lag1,
        100 * sloped.slope as beta_pct_per_hpa,
        100 / sqrt(nullif(sloped.sxx, 0)) as beta_sigma_stat_pct_per_hpa,
        cluster_total.chi2 / nullif(greatest(sloped.n_rows - sloped.n_blocks - 1, 0), 0) as chi2_ndf,
        case
            when cluster_total.n_clusters >= {{ min_clusters }}
                then
                    100 * sqrt(cluster_total.suu * cluster_total.n_clusters / (cluster_total.n_clusters - 1))
                    / nullif(sloped.sxx, 0)
        end as beta_sigma_cluster_pct_per_hpa,
        pow(sloped.sxy, 2) / nullif(sloped.sxx * sloped.syy, 0) as r2,
        exp((sloped.sy - sloped.slope * sloped.sx) / nullif(sloped.sw, 0)) as rate_at_p_ref_hz
    from sloped
    inner join cluster_total using ({{ target }})
    inner join autocorrelation using ({{ target }})
),

scaled as (
    select
        *,
        beta_sigma_stat_pct_per_hpa * sqrt(greatest(1, coalesce(chi2_ndf, 1))) as beta_sigma_scaled_pct_per_hpa
    from measured
),

final as (
    select
        {{ target }},
        n_rows,
        n_blocks,
        n_clusters,
        pressure_span_hpa,
        beta_pct_per_hpa,
        beta_sigma_stat_pct_per_hpa,
        case
            when beta_sigma_stat_pct_per_hpa is not null
                then greatest(beta_sigma_scaled_pct_per_hpa, beta_sigma_cluster_pct_per_hpa)
        end as beta_sigma_pct_per_hpa,
        rate_at_p_ref_hz,
        r2,
        chi2_ndf,
        residual_lag1
    from scaled
)

select * from final
