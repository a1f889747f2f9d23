{{ config(materialized='view') }}

with

event_counter as (
    select * from {{ ref('int_file_event_counter') }}
),

{# what becomes of a second depends on the files around, which may come later: these counts are sums over the minutes #}
fate_sum as (
    select
        event_counter.file_id,
        fate.fate,
        coalesce(sum(minute_file.n_seconds), 0) as n_seconds,
        coalesce(sum(minute_file.n_coincidence), 0) as n_coincidence
    from (select distinct file_id from event_counter) as event_counter
    cross join (
        values ('live'), ('superseded'), ('overlap_second'), ('edge'), ('dead_gap'), ('outlier')
    ) as fate (fate)
    left join {{ ref('int_minute_file') }} as minute_file
        on event_counter.file_id = minute_file.file_id and fate.fate = minute_file.fate
    group by event_counter.file_id, fate.fate
),

final as (
    select
        file_id,
        stage,
        reason,
        unit,
        n
    from event_counter
    union all
    select
        file_id,
        'live' as stage,
        fate as reason,
        'event' as unit,
        cast(n_coincidence as bigint) as n
    from fate_sum
    union all
    select
        file_id,
        'live_time' as stage,
        fate as reason,
        'second' as unit,
        cast(n_seconds as bigint) as n
    from fate_sum
)

select * from final
