{{ config(severity='warn') }}
-- A station above 300 m whose median pressure is near that of the sea level probably reports a reduced pressure.
with

corrected as (
    select * from {{ ref('large_corrected_table') }}
    where bin_width_s = 3600
),

station as (
    select * from {{ ref('dim_station') }}
    where altitude_m > 300
)

select
    station.station_id,
    median(corrected.pressure_lab_hpa) as median_hpa
from corrected
inner join station using (station_id)
group by station.station_id
having abs(median_hpa - 1013) < 10
