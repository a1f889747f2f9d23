{% set groups = environment_groups() %}
{{ config(
    materialized='incremental', incremental_strategy='replace_day', on_schema_change='append_new_columns',
    meta={'time_column': 'minute_start', 'days': 'int_environment_day_todo'}
) }}

with

filled as (
    select * from {{ ref('int_environment_filled') }}
),

station_day as (
    select
        station_id,
        day as read_date
    from {{ ref('int_environment_day_todo') }}
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

worded as (
    select
        *,
        {%- for group in groups %}
        {%- if group.policy == 'air' %}
        {%- for column in group.columns %}
        {{ fill_word(column ~ '_rank') }} as {{ column }}_fill,
        {%- endfor %}
        {%- elif group.fill %}
        {{ fill_word('greatest(' ~ group.columns | join('_rank, ') ~ '_rank)') }} as {{ group.fill }},
        {%- endif %}
        {%- endfor %}
        greatest(era5_hourly_preliminary, era5_profile_preliminary) > 0 as is_preliminary
    from filled
),

sourced as (
    select
        worded.*,
        coalesce(pressure_offset.ext_minus_int_hpa, 0) as ext_minus_int_hpa,
        {{ lab_source('pressure', 'worded.pressure_ext_hpa', 'worded.pressure_int_hpa') }} as pressure_lab_source,
        {{ lab_source('temperature', 'worded.temp_ext_degc', 'worded.temp_int_degc') }} as temp_lab_source,
        {{ lab_source('humidity', 'worded.rh_ext_pct', 'worded.rh_int_pct') }} as rh_lab_source
    from worded
    left join pressure_offset
        on worded.station_id = pressure_offset.station_id
            and cast(worded.minute_start as date) = pressure_offset.read_date
),

final as (
    select
        station_id,
        minute_start,
        {{ lab_value(
            'pressure_lab_source', 'pressure_ext_hpa', 'pressure_int_hpa', int_shift='ext_minus_int_hpa'
        ) }} as pressure_lab_hpa,
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
        case when coalesce(era5_fill, era5_profile_fill) is not null then is_preliminary end as is_era5_preliminary
    from sourced
)

select * from final
