{#- One row a station and configuration: from its first to its last live minute, and up to when the coefficient of the
    whole range is fitted. That end moves once a month, so that published rates change on a known date only. -#}
with

minute as (
    select
        station_id,
        conf_number,
        minute_start
    from {{ ref('large_table') }}
    where live_s > 0
),

span as (
    select
        station_id,
        conf_number,
        min(minute_start) as range_start,
        max(minute_start) + interval 1 minute as range_end
    from minute
    group by station_id, conf_number
),

placed as (
    select
        *,
        range_end < max(range_end) over (partition by station_id) as is_closed
    from span
),

final as (
    select
        *,
        case when is_closed then range_end else {{ fit_until('range_start', 'range_end') }} end as fit_until
    from placed
)

select * from final
