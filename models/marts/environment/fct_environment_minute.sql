{% set groups = environment_groups() %}

with

filled as (
    select * from {{ ref('int_environment_filled') }}
),

station_day as (
    select distinct
        station_id,
        cast(minute_start as date) as read_date
    from {{ ref('int_environment_spine') }}
),

offset_in_force as (
    {{ seed_in_force('sensor_offset', 'station_day', 'quantity', ['ext_minus_int_hpa']) }}
),

pressure_offset as (
    select
        station_id,
        read_date,
        ext_minus_int_hpa
    from offset_in_force
    where quantity = 'pressure'
),

sourced as (
    select
        filled.*,
        coalesce(pressure_offset.ext_minus_int_hpa, 0) as ext_minus_int_hpa,
        {{ lab_source('pressure', 'filled.pressure_ext_hpa', 'filled.pressure_int_hpa') }} as pressure_lab_source,
        {{ lab_source('temperature', 'filled.temp_ext_degc', 'filled.temp_int_degc') }} as temp_lab_source,
        {{ lab_source('humidity', 'filled.rh_ext_pct', 'filled.rh_int_pct') }} as rh_lab_source
    from filled
    left join pressure_offset
        on filled.station_id = pressure_offset.station_id
        and cast(filled.minute_start as date) = pressure_offset.read_date
),

final as (
    select
        station_id,
        minute_start,
        {{ lab_value('pressure_lab_source', 'pressure_ext_hpa', 'pressure_int_hpa', 'ext_minus_int_hpa') }} as pressure_lab_hpa,
        pressure_lab_source,
        {{ lab_value('temp_lab_source', 'temp_ext_degc', 'temp_int_degc') }} as temp_lab_degc,
        temp_lab_source,
        {{ lab_value('rh_lab_source', 'rh_ext_pct', 'rh_int_pct') }} as rh_lab_pct,
        rh_lab_source,
        (hv_pos_kv + hv_neg_kv) / 2 as hv_mean_kv,
        (hv_current_pos_ua + hv_current_neg_ua) / 2 as hv_current_mean_ua,
        {%- for group in groups %}
        {%- for column in group.columns %}
        {{ column }},
        {%- if group.policy == 'air' %}
        {{ column }}_fill,
        {%- endif %}
        {%- endfor %}
        {%- if group.fill %}
        {{ group.fill }},
        {%- endif %}
        {%- endfor %}
        is_era5_preliminary
    from sourced
)

select * from final
