{#- The declared exclusions by station. Two of one kind that overlap are a mistake in the seed and stop the build. -#}
with

fit_exclusion as (
    select
        *,
        row_number() over (order by start_at, end_at, kind, station_id) as row_id
    from {{ ref('fit_exclusion') }}
),

station as (
    select station_id from {{ ref('int_station_reference') }}
),

by_station as (
    select
        station.station_id,
        fit_exclusion.row_id,
        fit_exclusion.start_at,
        fit_exclusion.end_at,
        fit_exclusion.kind,
        fit_exclusion.reason
    from fit_exclusion
    inner join station on fit_exclusion.station_id is null or fit_exclusion.station_id = station.station_id
),

checked as (
    select
        *,
        lag(end_at) over (partition by station_id, kind order by start_at, end_at) as previous_end_at
    from by_station
),

final as (
    select
        station_id,
        start_at,
        case
            when end_at > start_at and (previous_end_at is null or previous_end_at <= start_at) then end_at
            else {{ overlap_error() }}
        end as end_at,
        kind,
        reason
    from checked
)

select * from final
