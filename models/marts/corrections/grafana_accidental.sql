{{ config(materialized='view') }}
with accidental as (
    select * from {{ ref('fct_accidental') }}
    where bin_width_s = 3600
),

station as (
    select
        station_id,
        station_code
    from {{ ref('dim_station') }}
),

final as (
    select
        accidental.bin_start as time,
        station.station_code,
        accidental.* exclude (bin_start)
    from accidental
    inner join station using (station_id)
)

select * from final
