{# Filled only where the setting `detector.quality_time_scan` asks for it. #}
with

plane_hit as (
    select * from {{ ref('int_plane_hit') }}
    {{ where_in_run() }} and {{ var('quality_time_scan') }}
),

event as (
    select
        file_id,
        event_number,
        {{ plane_pattern('bit_or(' ~ plane_bit('plane') ~ ')') }} as tt,
        list(t_ns) as plane_times_ns,
        avg(t_ns) as t_mean_ns
    from plane_hit
    group by file_id, event_number
    having count(*) > 1
),

deviation as (
    select
        file_id,
        tt,
        abs(unnest(plane_times_ns) - t_mean_ns) as distance_ns
    from event
),

final as (
    select
        file_id,
        tt,
        cast(floor(distance_ns / 0.02) as integer) as bin_index,
        count(*) as n
    from deviation
    group by file_id, tt, bin_index
)

select * from final
order by file_id, tt, bin_index
