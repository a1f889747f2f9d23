with

stations as (
    select * from {{ ref('station') }}
),

final as (
    select
        station_id,
        station_code,
        city,
        latitude_deg,
        longitude_deg,
        altitude_m,
        reference_pressure_hpa,
        is_position_provisional,
        position_source,
        valid_from,
        valid_to,
        is_enabled,
        is_running_expected,
        hv_nominal_kv
    from stations
    qualify row_number() over (partition by station_id order by valid_from desc) = 1
)

select * from final
