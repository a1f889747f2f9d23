{{ config(materialized='table') }}

with

lake as (
    select
        era5_level.station_id,
        era5_level.valid_time,
        era5_level.pressure_level_hpa,
        era5_level.temp_k,
        era5_level.height_m,
        {{ era5_tail('era5_level') }}
    from {{ ref('base_era5_level') }} as era5_level
),

final as (
    select *
    from lake
    qualify row_number() over (
            partition by station_id, valid_time, pressure_level_hpa, product
            order by is_final desc, fetched_at desc, file_sha256 asc
        ) = 1
)

select * from final
