with

final as (
    select
        station_id,
        valid_time,
        temp_ground_k,
        era5_surface_pressure_hpa,
        temp_100hpa_k,
        height_100hpa_m,
        temp_mass_avg_k,
        temp_eff_k,
        is_era5_preliminary
    from {{ ref('int_era5_hourly') }}
)

select * from final
