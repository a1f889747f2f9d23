{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

second as (
    select * from {{ ref('int_file_second') }}
    {{ where_file_todo() }}
),

todo as (
    select * from {{ ref('int_file_todo') }}
),

final as (
    select
        second.file_id,
        any_value(second.station_id) as station_id,
        any_value(todo.lineage_id) as lineage_id,
        min(second.second_start) as first_second,
        max(second.second_start) as last_second,
        cast(sum(second.n_events) as bigint) as n_events,
        cast(sum(second.n_coincidence) as bigint) as n_coincidence,
        cast(sum(second.n_self_trigger) as bigint) as n_self_trigger,
        count(*) filter (where second.is_dead_gap) as n_dead_s
    from second
    inner join todo on second.file_id = todo.file_id
    group by second.file_id
)

select * from final
order by file_id
