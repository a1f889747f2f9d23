{% set values = ['temp_degc', 'rh_pct', 'pressure_hpa'] %}
{{ config(materialized='table') }}

with

copies as (
    {{ lab_copies('lab_env', values, ['sensor_location']) }}
),

readings as (
    {{ lab_kept('copies', ['sensor_location']) }}
),

limits as (
    select * from {{ ref('stg_lab_limit_day') }}
),

sensor_limits as (
    select
        station_id,
        read_date,
        unnest(['ext', 'int']) as sensor_location,
        unnest([temp_ext_degc, temp_int_degc]) as temp_degc,
        unnest([rh_ext_pct, rh_int_pct]) as rh_pct,
        unnest([pressure_ext_hpa, pressure_int_hpa]) as pressure_hpa
    from limits
),

final as (
    select
        {{ lab_head('readings') }},
        readings.sensor_location,
        {{ within_limits(values, limits='sensor_limits') }},
        {{ outside_limits(values, limits='sensor_limits') }} as out_of_limits,
        readings.n_identical,
        readings.n_conflict,
        {{ provenance_columns('readings') }}
    from readings
    left join sensor_limits
        on readings.station_id = sensor_limits.station_id
            and cast(readings.read_at as date) = sensor_limits.read_date
            and readings.sensor_location = sensor_limits.sensor_location
)

select * from final
