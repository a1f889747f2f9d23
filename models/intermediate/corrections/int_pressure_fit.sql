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

-- the lines of each month and of its configuration
month_line as (
    select
        month_range.target_code,
        month_range.series_start,
        month_range.month_start,
        month_range.range_start,
        month_fit.group_code,
        month_fit.mean_x,
        month_fit.mean_y,
        month_fit.slope as month_slope,
        config_fit.slope as config_slope,
        month_range.month_start < config_range.fit_until as is_in_config
    from pressure_range as month_range
    inner join pressure_range as config_range
        on
            month_range.target_code = config_range.target_code
            and month_range.series_start = config_range.range_start
    inner join fitted as month_fit
        on month_range.target_code = month_fit.target_code and month_range.range_start = month_fit.range_start
    left join fitted as config_fit
        on
            config_fit.scope = 'config'
            and month_fit.target_code = config_fit.target_code
            and month_fit.group_code = config_fit.group_code
            and month_range.series_start = config_fit.range_start
    where month_range.scope = 'month' and config_range.scope = 'config' and month_fit.scope = 'month'
),

-- what rows tell and sums do not: quantiles of the pressure, and how residuals follow each other
centred as (
    select
        month_line.target_code,
        month_line.group_code,
        month_line.series_start,
        month_line.range_start,
        month_line.month_slope,
        month_line.config_slope,
        month_line.is_in_config,
        pressure_row.bin_start,
        pressure_row.width_s,
        pressure_row.x,
        pressure_row.x - month_line.mean_x as xc,
        pressure_row.y - month_line.mean_y as yc
    from pressure_row
    inner join month_line
        on
            pressure_row.target_code = month_line.target_code
            and pressure_row.series_start = month_line.series_start
            and pressure_row.group_code = month_line.group_code
            and date_trunc('month', pressure_row.bin_start) = month_line.month_start
),

followed as (
    select
        *,
        lag(xc) over hours as previous_xc,
        lag(yc) over hours as previous_yc,
        lag(range_start) over hours = range_start as is_same_month,
        lag(bin_start) over hours + to_seconds(width_s) = bin_start as is_next
    from centred
    window hours as (partition by target_code, group_code, series_start order by bin_start)
),

from_row as (
    select
        'config' as scope,
        target_code,
        series_start as range_start,
        group_code,
        quantile_cont(x, [0.05, 0.95]) as quantile_hpa,
        corr(yc - config_slope * xc, previous_yc - config_slope * previous_xc) filter (where is_next) as residual_lag1
    from followed
    where is_in_config
    group by all
    union all
    select
        'month' as scope,
        target_code,
        range_start,
        group_code,
        quantile_cont(x, [0.05, 0.95]) as quantile_hpa,
        corr(yc - month_slope * xc, previous_yc - month_slope * previous_xc) filter (
            where is_next and is_same_month
        ) as residual_lag1
    from followed
    group by all
),

final as (
    select
        {{ keys }},
        {{ line_result('fitted') }},
        counted.* exclude ({{ keys }}),
        from_row.quantile_hpa[2] - from_row.quantile_hpa[1] as pressure_span_hpa,
        {# of a single pair, or of equal residuals, the correlation is not a number #}
        nullif(round(from_row.residual_lag1, 6), cast('nan' as double)) as residual_lag1
    from counted
    left join fitted using ({{ keys }})
    left join from_row using ({{ keys }})
)

select * from final
