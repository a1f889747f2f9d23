{#- The ranges for which a coefficient is fitted: whole configurations, and their calendar months. -#}
with

configuration_range as (
    select * from {{ ref('int_configuration_range') }}
),

whole as (
    select
        'config' as scope,
        station_id,
        conf_number,
        cast(null as timestamp) as month_start,
        range_start,
        range_end,
        fit_until
    from configuration_range
),

month_start as (
    select
        *,
        unnest(generate_series(
            date_trunc('month', range_start), date_trunc('month', range_end - interval 1 microsecond), interval 1 month
        )) as month_start
    from configuration_range
),

monthly as (
    select
        'month' as scope,
        station_id,
        conf_number,
        month_start,
        greatest(range_start, month_start) as range_start,
        least(range_end, month_start + interval 1 month) as range_end,
        least(range_end, month_start + interval 1 month) as fit_until
    from month_start
),

final as (
    select * from whole
    union all
    select * from monthly
)

select * from final
