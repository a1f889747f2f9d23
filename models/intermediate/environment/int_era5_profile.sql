with

levels as (
    select * from {{ ref('stg_era5_level') }}
),

surface as (
    select * from {{ ref('stg_era5_single') }}
),

stations as (
    select * from {{ ref('dim_station') }}
),

weights as (
    select * from {{ ref('temperature_weight') }}
),

above_ground as (
    select
        levels.station_id,
        levels.valid_time,
        any_value(stations.reference_pressure_hpa) as p_ground_hpa,
        list(levels.pressure_level_hpa order by levels.pressure_level_hpa) as p_hpa,
        list(levels.temp_k order by levels.pressure_level_hpa) as t_k
    from levels
    inner join stations
        on levels.station_id = stations.station_id
            and levels.pressure_level_hpa < stations.reference_pressure_hpa
    where levels.product = 'profile' and levels.temp_k is not null
    group by levels.station_id, levels.valid_time
),

mass_averaged as (
    select
        above_ground.station_id,
        above_ground.valid_time,
        len(above_ground.p_hpa) as n_levels_used,
        {{ mass_averaged_temperature(
            'above_ground.p_hpa', 'above_ground.t_k', 'surface.temp_ground_k', 'above_ground.p_ground_hpa'
        ) }} as temp_profile_mean_k,
        {{ is_profile_complete('above_ground.p_hpa', 'above_ground.p_ground_hpa') }} as is_profile_complete
    from above_ground
    left join surface
        on above_ground.station_id = surface.station_id
            and above_ground.valid_time = surface.valid_time
),

n_weights as (
    select
        station_id,
        count(*) as n_weights
    from weights
    group by station_id
),

effective as (
    select
        levels.station_id,
        levels.valid_time,
        case
            when count(*) = any_value(n_weights.n_weights)
                then sum(weights.weight * levels.temp_k order by levels.pressure_level_hpa)
                    / sum(weights.weight order by levels.pressure_level_hpa)
        end as temp_eff_k
    from levels
    inner join weights
        on levels.station_id = weights.station_id
            and levels.pressure_level_hpa = weights.pressure_level_hpa
    inner join n_weights
        on levels.station_id = n_weights.station_id
    where levels.product = 'profile' and levels.temp_k is not null
    group by levels.station_id, levels.valid_time
),

final as (
    select
        mass_averaged.station_id,
        mass_averaged.valid_time,
        mass_averaged.n_levels_used,
        mass_averaged.is_profile_complete,
        mass_averaged.temp_profile_mean_k,
        case when mass_averaged.is_profile_complete then mass_averaged.temp_profile_mean_k end as temp_mass_avg_k,
        effective.temp_eff_k
    from mass_averaged
    left join effective
        on mass_averaged.station_id = effective.station_id
            and mass_averaged.valid_time = effective.valid_time
)

select * from final
