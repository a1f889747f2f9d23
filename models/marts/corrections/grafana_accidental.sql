{{ config(materialized='view') }}
with

accidental as (
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
        accidental.station_id,
        accidental.bin_width_s,
        accidental.tt,
        accidental.is_triggerable,
        accidental.n_measured,
        accidental.n_expected,
        accidental.n_excess,
        accidental.excess_hz,
        accidental.excess_sigma_hz
    from accidental
    inner join station using (station_id)
)

select * from final
