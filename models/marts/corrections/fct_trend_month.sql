{#- Monthly medians, and the median of the slopes between all pairs of months of a configuration (Sen 1968).
    Its 95 % interval: the slopes of rank z sqrt(var S) / 2 from the middle, var S = m (m - 1)(2 m + 5) / 18 that of
    Kendall's S for m months without ties. -#}
{%- set min_months = 6 -%}
{%- set min_hours = 168 -%}
{%- set series = 'station_id, group_code, conf_number' -%}
with

rate as (
    select * from {{ ref('fct_rate') }}
    where bin_width_s = 3600 and is_usable and rate_norm_pct is not null
),

month as (
    select
        station_id,
        group_code,
        conf_number,
        cast(date_trunc('month', bin_start) as timestamp) as month_start,
        median(rate_norm_pct) as rate_norm_median_pct,
        mad(rate_norm_pct) as rate_norm_mad_pct,
        count(*) as n
    from rate
    group by all
),

-- a month known for less than a week says more of its weather
known as (
    select
        *,
        count(*) over (partition by {{ series }}) as n_months
    from month
    where n >= {{ min_hours }}
),

pair as (
    select
        later.station_id,
        later.group_code,
        later.conf_number,
        later.n_months,
        (later.rate_norm_median_pct - earlier.rate_norm_median_pct)
        / (date_diff('day', earlier.month_start, later.month_start) / 365.25) as slope_pct_per_year
    from known as later
    inner join known as earlier
        on
            later.station_id = earlier.station_id
            and later.group_code = earlier.group_code
            and later.conf_number is not distinct from earlier.conf_number
            and later.month_start > earlier.month_start
    where later.n_months >= {{ min_months }}
),

sorted as (
    select
        station_id,
        group_code,
        conf_number,
        median(slope_pct_per_year) as theil_sen_pct_per_year,
        list_sort(list(slope_pct_per_year)) as slopes,
        1.959964 * sqrt(any_value(n_months) * (any_value(n_months) - 1) * (2 * any_value(n_months) + 5) / 18.0) / 2
            as rank_half_width
    from pair
    group by all
),

trend as (
    select
        *,
        slopes[greatest(cast(floor(len(slopes) / 2 - rank_half_width) as integer), 1)] as theil_sen_low_pct_per_year,
        slopes[least(cast(ceil(len(slopes) / 2 + rank_half_width) as integer) + 1, len(slopes))]
            as theil_sen_high_pct_per_year
    from sorted
),

series_month as (
    select
        station_id,
        group_code,
        conf_number,
        any_value(n_months) as n_months
    from known
    group by all
),

final as (
    select
        month.station_id,
        month.group_code,
        month.conf_number,
        month.month_start,
        month.rate_norm_median_pct,
        month.rate_norm_mad_pct,
        month.n,
        coalesce(series_month.n_months, 0) as n_months,
        trend.theil_sen_pct_per_year,
        trend.theil_sen_low_pct_per_year,
        trend.theil_sen_high_pct_per_year
    from month
    left join series_month
        on
            month.station_id = series_month.station_id
            and month.group_code = series_month.group_code
            and month.conf_number is not distinct from series_month.conf_number
    left join trend
        on
            month.station_id = trend.station_id
            and month.group_code = trend.group_code
            and month.conf_number is not distinct from trend.conf_number
)

select * from final
