{#- How well a station follows a neutron monitor, month by month: hours in which both have a normalised rate. -#}
{%- set max_lag_h = 12 -%}
with

corrected as (
    select
        station_id,
        station_code,
        bin_start,
        date_trunc('month', bin_start) as month_start,
        rate_norm_pct as y
    from {{ ref('large_corrected_table') }}
    where bin_width_s = 3600 and is_usable and rate_norm_pct is not null
),

monitor as (
    select
        nm_code,
        bin_start,
        rel_pct as x
    from {{ ref('fct_primary') }}
    where bin_width_s = 3600 and rel_pct is not null
),

pair as (
    select
        corrected.station_id,
        corrected.station_code,
        monitor.nm_code,
        corrected.month_start,
        corrected.bin_start,
        monitor.x,
        corrected.y
    from corrected
    inner join monitor using (bin_start)
),

average as (
    select
        station_id,
        station_code,
        nm_code,
        month_start,
        count(*) as n,
        {{ exact_sum('x') }} / count(*) as x_mean,
        {{ exact_sum('y') }} / count(*) as y_mean
    from pair
    group by all
),

centred as (
    select
        pair.station_id,
        pair.nm_code,
        pair.month_start,
        pair.bin_start,
        pair.x - average.x_mean as x,
        pair.y - average.y_mean as y
    from pair
    inner join average using (station_id, station_code, nm_code, month_start)
),

moment as (
    select
        station_id,
        nm_code,
        month_start,
        {{ exact_sum('x * x') }} as sxx,
        {{ exact_sum('x * y') }} as sxy,
        {{ exact_sum('y * y') }} as syy
    from centred
    group by all
),

-- hours of a day are not independent of each other: their residuals count as one
day as (
    select
        station_id,
        nm_code,
        month_start,
        date_trunc('day', centred.bin_start) as day_start,
        {{ exact_sum('centred.x * (centred.y - moment.sxy / nullif(moment.sxx, 0) * centred.x)') }} as u
    from centred
    inner join moment using (station_id, nm_code, month_start)
    group by all
),

day_sum as (
    select
        station_id,
        nm_code,
        month_start,
        count(*) as n_days,
        {{ exact_sum('u * u') }} as suu
    from day
    group by all
),

shift as (
    select unnest(generate_series(-{{ max_lag_h }}, {{ max_lag_h }})) as lag_h
),

monitor_shifted as (
    select
        monitor.nm_code,
        monitor.bin_start + to_hours(shift.lag_h) as bin_start,
        shift.lag_h,
        monitor.x
    from monitor
    cross join shift
),

lagged as (
    select
        corrected.station_id,
        monitor_shifted.nm_code,
        corrected.month_start,
        monitor_shifted.lag_h,
        round(corr(corrected.y, monitor_shifted.x), 9) as r
    from corrected
    inner join monitor_shifted using (bin_start)
    group by all
),

best as (
    select
        station_id,
        nm_code,
        month_start,
        arg_max(lag_h, row(r, -abs(lag_h), lag_h)) as lag_h
    from lagged
    where isfinite(r)
    group by all
),

final as (
    select
        average.station_id,
        average.station_code,
        average.nm_code,
        average.month_start,
        cast(average.n as integer) as n,
        moment.sxy / sqrt(nullif(moment.sxx * moment.syy, 0)) as pearson_r,
        moment.sxy / nullif(moment.sxx, 0) as slope_pct_per_pct,
        greatest(
            sqrt(
                greatest(moment.syy - moment.sxy * moment.sxy / nullif(moment.sxx, 0), 0)
                / nullif(greatest(average.n - 2, 0), 0) / nullif(moment.sxx, 0)
            ),
            sqrt(day_sum.suu * day_sum.n_days / nullif(day_sum.n_days - 1, 0)) / nullif(moment.sxx, 0)
        ) as slope_sigma_pct_per_pct,
        case when moment.sxx * moment.syy > 0 then cast(best.lag_h as integer) end as lag_h
    from average
    inner join moment using (station_id, nm_code, month_start)
    inner join day_sum using (station_id, nm_code, month_start)
    left join best using (station_id, nm_code, month_start)
)

select * from final
