with

todo as (
    select * from {{ ref('int_file_todo') }}
),

file as (
    select * from {{ ref('dim_file') }}
    where lake_path is not null
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

calibrated as (
    select
        file.file_id,
        file.station_id,
        coalesce(file.conf_number, -1) as conf_number,
        file.start_time,
        parameter.neighbour_days
    from file
    inner join todo on file.file_id = todo.file_id
    inner join parameter on file.file_id = parameter.file_id
),

final as (
    select
        calibrated.file_id,
        neighbour.file_id as neighbour_file_id,
        neighbour.start_time > calibrated.start_time as is_after,
        abs(epoch(neighbour.start_time) - epoch(calibrated.start_time)) as distance_s
    from calibrated
    inner join file as neighbour
        on
            calibrated.station_id = neighbour.station_id
            and calibrated.conf_number = coalesce(neighbour.conf_number, -1)
            and calibrated.file_id != neighbour.file_id
    where distance_s <= calibrated.neighbour_days * 86400
)

select * from final
