{{ config(materialized='table') }}
{%- set built = existing_relation('int_day_built') %}

with

source_now as (
    select * from {{ ref('int_day_source') }}
),

source_built as (
    select
        station_id,
        day,
        file_id,
        lineage_id,
        is_superseded
    from {{ built or 'source_now where false' }}
),

changed as (
    (
        select * from source_now
        except
        select * from source_built
    )
    union all
    (
        select * from source_built
        except
        select * from source_now
    )
),

final as (
    select distinct
        station_id,
        day
    from changed
)

select * from final
order by day, station_id
