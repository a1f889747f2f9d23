with

file as (
    select span.*
    from {{ ref('int_file_span') }} as span
    semi join {{ ref('dim_file') }} as current_file on span.file_id = current_file.file_id
),

parameter as (
    select * from {{ ref('dim_detector_parameter') }}
),

overlap as (
    select
        earlier.file_id,
        later.file_id as other_file_id,
        greatest(earlier.first_second, later.first_second) as first_second,
        least(earlier.last_second, later.last_second) as last_second
    from file as earlier
    inner join file as later
        on
            earlier.station_id = later.station_id
            and earlier.file_id < later.file_id
            and earlier.first_second <= later.last_second
            and earlier.last_second >= later.first_second
    inner join parameter on earlier.station_id = parameter.station_id
    where
        date_diff(
            'second',
            greatest(earlier.first_second, later.first_second),
            least(earlier.last_second, later.last_second)
        ) + 1 > parameter.file_overlap_max_s
),

{# both files of each overlap, with the events they hold in it #}
held as (
    select
        overlap.file_id,
        overlap.other_file_id,
        second.file_id = overlap.file_id as is_earlier,
        second.n_events
    from (
        select
            *,
            unnest([file_id, other_file_id]) as held_file_id
        from overlap
    ) as overlap
    inner join {{ ref('int_file_second') }} as second
        on
            overlap.held_file_id = second.file_id
            and second.second_start between overlap.first_second and overlap.last_second
),

final as (
    select distinct if(n_later_events > n_events, file_id, other_file_id) as file_id
    from (
        select
            file_id,
            other_file_id,
            sum(if(is_earlier, n_events, 0)) as n_events,
            sum(if(is_earlier, 0, n_events)) as n_later_events
        from held
        group by file_id, other_file_id
    ) as compared
)

select * from final
