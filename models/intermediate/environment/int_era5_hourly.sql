{% set hourly, profile = environment_groups_of('int_era5_hourly') %}

with

surface as (
    select * from {{ ref('stg_era5_single') }}
),

levels as (
    select * from {{ ref('stg_era5_level') }}
),

profiles as (
    select * from {{ ref('int_era5_profile') }}
),

upper_air as (
    select
        station_id,
        valid_time,
        coalesce(
            any_value(temp_k) filter (where pressure_level_hpa = 100 and product = 'pl100'),
            any_value(temp_k) filter (where pressure_level_hpa = 100 and product = 'profile')
        ) as temp_100hpa_k,
        any_value(height_m) filter (where pressure_level_hpa = 100 and product = 'pl100') as height_100hpa_m,
        bool_and(is_final) as is_final,
        bool_and(is_final) filter (where product = 'pl100' or pressure_level_hpa = 100) as is_100hpa_final,
        bool_and(is_final) filter (where product = 'profile') as is_profile_final
    from levels
    group by station_id, valid_time
),

joined as (
    select
        station_id,
        valid_time,
        surface.temp_ground_k,
        surface.era5_surface_pressure_hpa,
        upper_air.temp_100hpa_k,
        upper_air.height_100hpa_m,
        profiles.temp_mass_avg_k,
        profiles.temp_eff_k,
        {{ is_any_preliminary('surface.is_final', 'upper_air.is_final') }} as is_era5_preliminary,
        {{ is_any_preliminary('surface.is_final', 'upper_air.is_100hpa_final') }} as is_hourly_preliminary,
        {{ is_any_preliminary('surface.is_final', 'upper_air.is_profile_final') }} as is_profile_preliminary
    from surface
    full outer join upper_air using (station_id, valid_time)
    left join profiles using (station_id, valid_time)
),

final as (
    select
        * exclude (is_hourly_preliminary, is_profile_preliminary),
        case when {{ has_value(hourly) }} then cast(is_hourly_preliminary as double) end as era5_hourly_preliminary,
        case when {{ has_value(profile) }} then cast(is_profile_preliminary as double) end as era5_profile_preliminary
    from joined
)

select * from final
