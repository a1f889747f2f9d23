{# Read with the files of the run where the model sets `todo_path` (macro todo_hook), else with the whole lake. #}
with

final as (
    select
        lake.file_id,
        lake.event_number,
        lake.station_id,
        lake.event_time,
        lake.trigger_type,
        lake.raw_tt,
        lake.n_hits,
        lake.recovery,
        lake.is_time_backwards
    from {{ lake_scan('raw_event', 'todo_path') }} as lake
    where not lake.is_duplicate and not lake.is_time_far
)

select * from final
