{#- Weighted regression of ln r on pressure for every configuration, month and direction group, and for the neutron
    monitors. Each calendar month has a mean of its own; five days are a cluster. The macro says how. -#}
{%- set target = ['scope', 'target_code', 'range_start', 'group_code'] -%}
{%- set keys = target | join(', ') -%}
with

pressure_range as (
    select * from {{ ref('int_pressure_range') }}
),

pressure_row as (
    select * from {{ ref('int_pressure_row') }}
    where fit_exclusion_reason is null
),

ranged_day as (
    select
        pressure_range.scope,
        pressure_range.range_start,
        pressure_day.*,
        {{ cluster_number('pressure_day.day_start') }} as cluster_id
    from {{ ref('int_pressure_day') }} as pressure_day
    inner join pressure_range
        on
            pressure_day.target_code = pressure_range.target_code
            and pressure_day.series_start = pressure_range.series_start
            and pressure_day.month_start = coalesce(pressure_range.month_start, pressure_day.month_start)
            and pressure_day.day_start < pressure_range.fit_until
),

counted as (
    select
        {{ keys }},
        {{ summed_row_counts() }}
    from ranged_day
    group by all
),

fitted as (
    {{ block_regression('ranged_day', target, 'month_start') }}
),

-- what rows tell and sums do not: quantiles of the pressure, and how residuals follow each other; both lines at once
lined as (
    select
        pressure_row.*,
        date_trunc('month', pressure_row.bin_start) as month_start,
        pressure_row.bin_start < whole.fit_until as is_in_config,
        month_fit.range_start,
        pressure_row.x - month_fit.mean_x as xc,
        pressure_row.y - month_fit.mean_y as yc,
        yc - config_fit.slope * xc as config_residual,
        yc - month_fit.slope * xc as month_residual
    from pressure_row
    inner join pressure_range as whole
        on
            pressure_row.target_code = whole.target_code
            and pressure_row.series_start = whole.series_start
            and whole.scope = 'config'
    inner join fitted as month_fit
        on
            pressure_row.target_code = month_fit.target_code
            and pressure_row.group_code = month_fit.group_code
            and greatest(pressure_row.series_start, date_trunc('month', pressure_row.bin_start)) = month_fit.range_start
            and month_fit.scope = 'month'
    left join fitted as config_fit
        on
            pressure_row.target_code = config_fit.target_code
            and pressure_row.group_code = config_fit.group_code
            and pressure_row.series_start = config_fit.range_start
            and config_fit.scope = 'config'
),

followed as (
    select
        *,
        lag(config_residual) over hours as config_previous,
        case when lag(month_start) over hours = month_start then lag(month_residual) over hours end as month_previous,
        bin_start - lag(bin_start) over hours = to_seconds(width_s) as is_next
    from lined
    window hours as (partition by target_code, group_code, series_start order by bin_start)
),

from_row as (
    select
        'config' as scope,
        target_code,
        series_start as range_start,
        group_code,
        quantile_cont(x, 0.95) - quantile_cont(x, 0.05) as pressure_span_hpa,
        corr(config_residual, config_previous) filter (where is_next) as residual_lag1
    from followed
    where is_in_config
    group by all
    union all
    select
        'month' as scope,
        target_code,
        range_start,
        group_code,
        quantile_cont(x, 0.95) - quantile_cont(x, 0.05) as pressure_span_hpa,
        corr(month_residual, month_previous) filter (where is_next) as residual_lag1
    from followed
    group by all
),

final as (
    select
        {{ keys }},
        {{ line_result('fitted') }},
        counted.* exclude ({{ keys }}),
        from_row.pressure_span_hpa,
        {# of a single pair, or of equal residuals, the correlation is not a number #}
        nullif(round(from_row.residual_lag1, 6), cast('nan' as double)) as residual_lag1
    from counted
    left join fitted using ({{ keys }})
    left join from_row using ({{ keys }})
)

select * from final
