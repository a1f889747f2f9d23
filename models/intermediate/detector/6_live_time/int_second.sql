{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'second_start'},
) }}

with

source as (
    select distinct
        file_id,
        is_superseded
    from {{ ref('int_day_source') }}
    {{ where_day_todo('station_id', 'day') }}
),

parameter as (
    select * from {{ ref('dim_detector_parameter') }}
),

span as (
    select
        known.*,
        source.is_superseded
    from {{ ref('int_file_span') }} as known
    inner join source on known.file_id = source.file_id
),

{# where a file reaches into another one of its station: a second that two files share belongs to the earlier one, but
   never to one that is superseded #}
overlap as (
    select
        other.file_id,
        owner.first_second,
        owner.last_second
    from span as other
    inner join span as owner
        on
            other.station_id = owner.station_id
            and (other.is_superseded, other.file_id) > (owner.is_superseded, owner.file_id)
            and other.first_second <= owner.last_second
            and other.last_second >= owner.first_second
),

owned as (
    select
        second.*,
        source.is_superseded,
        not second.is_edge and not second.is_dead_gap and not source.is_superseded as is_covered,
        parameter.outlier_block_s,
        parameter.outlier_z,
        time_bucket(to_seconds(cast(parameter.outlier_block_s as integer)), second.second_start) as block_start
    from {{ ref('int_file_second') }} as second
    inner join source on second.file_id = source.file_id
    anti join overlap
        on
            second.file_id = overlap.file_id
            and second.second_start between overlap.first_second and overlap.last_second
    inner join parameter on second.station_id = parameter.station_id
),

block as (
    select
        station_id,
        block_start,
        any_value(outlier_block_s) as outlier_block_s,
        count(*) filter (where is_covered) as covered_s,
        coalesce(sum(n_events) filter (where is_covered), 0) as n_events
    from owned
    group by station_id, block_start
),

{# events expected from the typical rate of the full blocks around #}
expected as (
    select
        station_id,
        block_start,
        n_events,
        covered_s >= outlier_block_s / 2 as is_judged,
        covered_s * median(n_events / covered_s) filter (where covered_s = outlier_block_s) over (
            partition by station_id
            order by block_start
            range between interval 5 minutes preceding and interval 5 minutes following
        ) as n_expected
    from block
),

judged as (
    select
        owned.*,
        if(expected.is_judged, {{ poisson_z('expected.n_events', 'expected.n_expected') }}, null) as block_z,
        coalesce(abs(block_z) > owned.outlier_z, false) as is_outlier
    from owned
    inner join expected on owned.station_id = expected.station_id and owned.block_start = expected.block_start
),

final as (
    select
        station_id,
        second_start,
        file_id,
        n_events,
        n_coincidence,
        n_self_trigger,
        block_z,
        is_edge,
        is_dead_gap,
        is_outlier,
        is_superseded,
        is_covered and not is_outlier as is_live
    from judged
    {{ where_day_todo('station_id', 'second_start') }}
)

select * from final
order by second_start, station_id
