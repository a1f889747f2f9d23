{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
    pre_hook="{{ todo_hook() }}",
) }}

with

event as (
    select * from {{ ref('stg_raw_event') }}
),

hit as (
    select * from {{ ref('int_hit') }}
    where file_id in (select todo.file_id from {{ ref('int_file_todo') }} as todo)
),

hit_sum as (
    select
        file_id,
        event_number,
        bit_or(if(is_front_good or is_back_good, cast(1 as utinyint) << (plane - 1), 0)) as plane_mask,
        count(*) filter (where is_front_good and is_back_good) as n_two_ended,
        count(*) filter (where is_front_good != is_back_good) as n_one_ended,
        count(*) as n_kept
    from hit
    group by file_id, event_number
),

final as (
    select
        event.file_id,
        event.event_number,
        event.station_id,
        event.event_time,
        event.trigger_type,
        event.raw_tt,
        {{ plane_pattern('coalesce(hit_sum.plane_mask, 0)') }} as clean_tt,
        cast(coalesce(hit_sum.n_two_ended, 0) as tinyint) as n_two_ended,
        cast(coalesce(hit_sum.n_one_ended, 0) as tinyint) as n_one_ended,
        cast(event.n_hits - coalesce(hit_sum.n_kept, 0) as tinyint) as n_time_only,
        case event.trigger_type when 1 then 'coincidence' when 2 then 'self_trigger' else 'other' end as event_class
    from event
    left join hit_sum on event.file_id = hit_sum.file_id and event.event_number = hit_sum.event_number
)

select * from final
