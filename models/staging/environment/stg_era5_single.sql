{{ config(materialized='table') }}

with

lake as (
    select
        era5_single.station_id,
        era5_single.valid_time,
        era5_single.temp_ground_k,
        era5_single.era5_surface_pressure_hpa,
        {{ era5_tail('era5_single') }}
    from {{ ref('base_era5_single') }} as era5_single
),

final as (
    select *
    from lake
    qualify row_number() over (
            partition by station_id, valid_time
            order by is_final desc, fetched_at desc, file_sha256 asc
        ) = 1
)

select * from final
