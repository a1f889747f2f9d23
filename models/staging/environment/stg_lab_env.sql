{% set values = ['temp_degc', 'rh_pct', 'pressure_hpa'] %}
{% set limited = [
    'temp_ext_degc', 'rh_ext_pct', 'pressure_ext_hpa', 'temp_int_degc', 'rh_int_pct', 'pressure_int_hpa',
] %}
{{ config(materialized='table') }}

with

copies as (
    {{ lab_copies('lab_env', values, ['sensor_location']) }}
),

readings as (
    {{ lab_kept('copies', ['sensor_location']) }}
),

station_day as (
    select distinct
        station_id,
        cast(read_at as date) as read_date
    from readings
),

in_force as (
    {{ seed_in_force('log_limits', 'station_day', 'column_name', ['low', 'high'], has_end=true) }}
),

limits as (
    {{ limits_by_day('in_force', limited) }}
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
