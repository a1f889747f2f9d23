{{ config(materialized='view') }}
with coefficient as (
    select * from {{ ref('fct_pressure_coefficient') }}
),

station as (
    select
        station_id,
        station_code
    from {{ ref('dim_station') }}
),

final as (
    select
        coefficient.range_start + (coefficient.range_end - coefficient.range_start) / 2 as time,
        station.station_code,
        coefficient.*
    from coefficient
    inner join station using (station_id)
)

select * from final
