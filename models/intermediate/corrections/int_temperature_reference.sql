{#- The temperature and height that rates are brought to: the seed, else the median of the station's first year, which
    holds every season once. Before that year is over it is the median so far, and moves. -#}
with

bin_temperature as (
    select
        *,
        min(bin_start) over (partition by station_id, method) + interval 1 year as first_year_end
    from {{ ref('int_bin_temperature') }}
    where bin_width_s = 3600
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
),

first_year as (
    select
        station_id,
        method,
        median(temp_k) filter (where bin_start < first_year_end) as temp_k,
        median(height_km) filter (where bin_start < first_year_end) as height_km,
        max(bin_start) + interval 1 hour >= any_value(first_year_end) as is_whole
    from bin_temperature
    group by station_id, method
),

seeded as (
    select
        first_year.*,
        case method
            when 'mass' then station_reference.temp_mass_ref_k
            when 'duperier' then station_reference.temp_100hpa_ref_k
        end as seed_temp_k,
        case method when 'duperier' then station_reference.height_100hpa_ref_m / 1000 end as seed_height_km
    from first_year
    left join station_reference using (station_id)
),

final as (
    select
        station_id,
        method,
        coalesce(seed_temp_k, temp_k) as temp_ref_k,
        coalesce(seed_height_km, height_km) as height_ref_km,
        case
            when seed_temp_k is not null and (seed_height_km is not null or height_km is null) then 'seed'
            when is_whole then 'first_year'
            else 'provisional'
        end as reference_source
    from seeded
)

select * from final
