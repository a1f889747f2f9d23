{{ config(
    materialized='incremental',
    incremental_strategy='replace_correction_bin',
    on_schema_change='append_new_columns',
    pre_hook="{{ correction_bin_hook() }}"
) }}
with

minute as (
    select
        *,
        case when live_s > 0 and not is_bad_minute then live_s end as weight,
        case when pressure_lab_hpa is not null then left(pressure_lab_source, 3) end as pressure_barometer
    from {{ ref('large_table') }}
    where {{ within_correction_time('minute_start') }}
),

binned as (
    {{ binned('minute') }}
),

final as (
    select
        station_id,
        bin_start,
        bin_width_s,
        count(pressure_lab_hpa) filter (where weight > 0) as n_pressure_minutes,
        {%- for name in environment_mean_columns() %}
        {{ live_weighted_mean(name, 'weight') }} as {{ name }},
        {%- endfor %}
        {%- for name, unit in lab_columns() %}
        {{ common_word(name ~ '_source', 'weight > 0') }} as {{ name }}_source,
        {%- endfor %}
        bool_or(is_era5_preliminary) as is_era5_preliminary,
        -- which barometer: the inside one is good enough to correct with, not to fit on
        case
            when count(pressure_lab_hpa) filter (where weight > 0) = 0 then null
            when bool_and(pressure_barometer = 'ext') filter (where weight > 0) then 'ext'
            when bool_and(pressure_barometer = 'int') filter (where weight > 0) then 'int'
            else 'mixed'
        end as pressure_source
    from binned
    group by station_id, bin_start, bin_width_s
)

select * from final
