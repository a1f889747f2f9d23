{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'second_start'},
) }}

with

source as (
    select distinct file_id
    from {{ ref('int_day_source') }}
    {{ where_day_todo('station_id', 'day') }} and not is_superseded
),

parameter as (
    select * from {{ ref('dim_detector_parameter') }}
),

{# where a file reaches into an earlier one of its station: a second that two files share belongs to the earlier #}
overlap as (
    select
        later.file_id,
        earlier.first_second,
        earlier.last_second
    from {{ ref('int_file_span') }} as later
    inner join {{ ref('int_file_span') }} as earlier
        on
            later.station_id = earlier.station_id
            and later.file_id > earlier.file_id
            and later.first_second <= earlier.last_second
            and later.last_second >= earlier.first_second
    semi join source on earlier.file_id = source.file_id
),

owned as (
    select
        second.*,
        not second.is_edge and not second.is_dead_gap as is_covered,
        parameter.outlier_block_s,
        parameter.outlier_z,
        time_bucket(to_seconds(cast(parameter.outlier_block_s as integer)), second.second_start) as block_start
    from {{ ref('int_file_second') }} as second
    semi join source on second.file_id = source.file_id
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
        any_value(outlier_z) as outlier_z,
        count(*) filter (where is_covered) as covered_s,
        coalesce(sum(n_events) filter (where is_covered), 0) as n_events
    from owned
    group by station_id, block_start
),

{# events expected from the typical rate of the full blocks around #}
judged as (
    select
        station_id,
        block_start,
        covered_s,
        outlier_block_s,
        outlier_z,
        n_events,
        covered_s * median(n_events / covered_s) filter (where covered_s = outlier_block_s) over (
            partition by station_id
            order by block_start
            range between interval 5 minutes preceding and interval 5 minutes following
        ) as n_expected
    from block
),

{# the square root makes a Poisson count nearly Gaussian with sigma 1/2 (F. J. Anscombe, Biometrika 35, 246, 1948) #}
outlier as (
    select
        station_id,
        block_start
    from judged
    where
        covered_s >= outlier_block_s / 2
        and abs(2 * (sqrt(n_events + 3 / 8) - sqrt(n_expected + 3 / 8))) > outlier_z
),

flagged as (
    select
        owned.*,
        outlier.block_start is not null as is_outlier
    from owned
    left join outlier on owned.station_id = outlier.station_id and owned.block_start = outlier.block_start
),

final as (
    select
        station_id,
        second_start,
        file_id,
        n_events,
        n_coincidence,
        n_self_trigger,
        is_edge,
        is_dead_gap,
        is_outlier,
        is_covered and not is_outlier as is_live
    from flagged
    {{ where_day_todo('station_id', 'second_start') }}
)

select * from final
order by second_start, station_id
