{# Read with the files of the run where the model sets `todo_path` (macro todo_hook), else with the whole lake.
   The cable swap is undone here and nowhere else, so that a corrected logbook needs no new extraction. #}
with

event as (
    select
        event.file_id,
        event.event_number,
        event.trigger_type
    from {{ ref('stg_raw_event') }} as event
),

swapped_file as (
    select file_id
    from {{ ref('dim_file') }}
    where {{ is_cable_swapped('station_id', 'conf_number') }}
),

hit as (
    select
        lake.file_id,
        lake.event_number,
        lake.plane,
        lake.strip,
        lake.t_front_ns,
        lake.t_back_ns,
        lake.q_front_ns,
        lake.q_back_ns,
        lake.plane = 4 and lake.strip >= 3 and swapped_file.file_id is not null as is_strip_swapped
    from {{ lake_scan('raw_hit', 'todo_path') }} as lake
    left join swapped_file on lake.file_id = swapped_file.file_id
),

final as (
    select
        hit.file_id,
        hit.event_number,
        event.trigger_type,
        hit.plane,
        cast(if(hit.is_strip_swapped, 7 - hit.strip, hit.strip) as tinyint) as strip,
        hit.t_front_ns,
        hit.t_back_ns,
        hit.q_front_ns,
        hit.q_back_ns,
        hit.is_strip_swapped
    from hit
    inner join event on hit.file_id = event.file_id and hit.event_number = event.event_number
)

select * from final
