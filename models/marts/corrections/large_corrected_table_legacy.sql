{{ config(materialized='view') }}
with

legacy_row as (
    select * from {{ ref('int_legacy_row') }}
    where bin_width_s = 3600
),

final as (
    select * exclude (station_id, bin_width_s, miniTRASGO)
    from legacy_row
)

select * from final
