{#- Regressions over windows of days around every midnight, to be drawn. Differences of running sums give the sums of
    any stretch of days: of a window's part of each cluster of five days, and so of the window. One mean a window. -#}
{%- set target = ['target_code', 'series_start', 'group_code', 'half_width_days', 'centre'] -%}
{%- set keys = target | join(', ') -%}
with

series as (
    select * from {{ ref('int_pressure_range') }}
    where scope = 'config'
),

pressure_day as (
    select * from {{ ref('int_pressure_day') }}
    where target_kind = 'nm' or group_code in ({{ rolling_groups() }})
),

pressure_row as (
    select * from {{ ref('int_pressure_row') }}
    where target_kind = 'nm' or group_code in ({{ rolling_groups() }})
),

series_group as (
    select distinct
        target_code,
        series_start,
        group_code
    from pressure_day
),

-- every midnight of a series, and the one after its end
midnight as (
    select
        series_group.*,
        series.range_start,
        series.range_end,
        unnest(generate_series(
            date_trunc('day', series.range_start),
            date_trunc('day', series.range_end - interval 1 microsecond) + interval 1 day,
            interval 1 day
        )) as day_start
    from series
    inner join series_group using (target_code, series_start)
),

-- sums of all days before a midnight, as whole numbers, so that their differences are exact
running as (
    select
        target_code,
        series_start,
        group_code,
        day_start,
        {%- for name in line_sum_columns() %}
        coalesce(sum({{ fixed('pressure_day.' ~ name) }}) over before, 0) as {{ name }},
        {%- endfor %}
        {%- for name in ['n_rows'] + row_counts() %}
        coalesce(sum(pressure_day.{{ name }}) over before, 0) as {{ name }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from midnight
    left join pressure_day using (target_code, series_start, group_code, day_start)
    window before as (
        partition by target_code, series_start, group_code order by day_start
        rows between unbounded preceding and 1 preceding
    )
),

half_width as (
    select cast(unnest({{ var('pressure_rolling_half_width_days') }}) as integer) as half_width_days
),

-- of two configurations that hold a midnight, the one that began last
centre as (
    select
        midnight.target_code,
        midnight.series_start,
        midnight.group_code,
        half_width.half_width_days,
        midnight.day_start as centre,
        greatest(
            midnight.day_start - to_days(half_width.half_width_days), date_trunc('day', midnight.range_start)
        ) as first_day,
        least(
            midnight.day_start + to_days(half_width.half_width_days),
            date_trunc('day', midnight.range_end - interval 1 microsecond) + interval 1 day
        ) as end_day
    from midnight
    cross join half_width
    where midnight.day_start >= midnight.range_start and midnight.day_start < midnight.range_end
    qualify row_number() over (
            partition by midnight.target_code, midnight.group_code, half_width.half_width_days, midnight.day_start
            order by midnight.series_start desc
        ) = 1
),

clustered as (
    select
        *,
        unnest(range(
            {{ cluster_number('first_day') }}, {{ cluster_number('end_day - interval 1 day') }} + 1
        )) as cluster_id
    from centre
),

stretch as (
    select
        {{ keys }},
        cluster_id,
        greatest(first_day, {{ cluster_start('cluster_id') }}) as first_day,
        least(end_day, {{ cluster_start('cluster_id + 1') }}) as end_day
    from clustered
),

cluster_sum as (
    select
        stretch.* exclude (first_day, end_day),
        {%- for name in line_sum_columns() %}
        (until.{{ name }} - since.{{ name }}) / 1e15 as {{ name }},
        {%- endfor %}
        {%- for name in ['n_rows'] + row_counts() %}
        until.{{ name }} - since.{{ name }} as {{ name }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from stretch
    inner join running as since
        on
            stretch.target_code = since.target_code and stretch.series_start = since.series_start
            and stretch.group_code = since.group_code and stretch.first_day = since.day_start
    inner join running as until
        on
            stretch.target_code = until.target_code and stretch.series_start = until.series_start
            and stretch.group_code = until.group_code and stretch.end_day = until.day_start
),

counted as (
    select
        {{ keys }},
        {{ summed_row_counts() }}
    from cluster_sum
    group by all
),

fitted as (
    {{ block_regression('cluster_sum', target, '0') }}
),

-- rows and midnights in the order of time, so that a window around a midnight finds its rows
marked as (
    select
        target_code,
        series_start,
        group_code,
        bin_start as moment,
        x,
        false as is_midnight
    from pressure_row
    union all
    select
        target_code,
        series_start,
        group_code,
        day_start as moment,
        null as x,
        true as is_midnight
    from midnight
),

around_moment as (
    {{ windowed_quantiles('marked', var('pressure_rolling_half_width_days')) }}
),

span as (
    select
        {{ keys }},
        quantile_hpa[2] - quantile_hpa[1] as pressure_span_hpa
    from around_moment
    where is_midnight
),

final as (
    select
        {{ keys }},
        {{ line_result('fitted') }},
        counted.* exclude ({{ keys }}),
        span.pressure_span_hpa
    from counted
    left join fitted using ({{ keys }})
    left join span using ({{ keys }})
)

select * from final
