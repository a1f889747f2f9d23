{{ config(materialized='view') }}
with

efficiency as (
    select * from {{ ref('fct_efficiency') }}
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
        efficiency.bin_start as time,
        station.station_code,
        efficiency.station_id,
        efficiency.bin_width_s,
        efficiency.plane,
        efficiency.n_fired,
        efficiency.n_pool,
        efficiency.efficiency,
        efficiency.efficiency_sigma,
        efficiency.eff_method,
        efficiency.eff_source,
        efficiency.eff_status
    from efficiency
    inner join station using (station_id)
)

select * from final
