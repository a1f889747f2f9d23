{{ config(
    materialized='incremental',
    incremental_strategy='replace_correction_day',
    on_schema_change='append_new_columns',
    pre_hook="{{ correction_day_hook() }}",
    tags=['publish']
) }}
with todo as (
    select * from {{ ref('int_correction_day_todo') }}
),

minute_wide as (
    select * from {{ ref('int_minute_wide') }}
    where
        has_value
        {%- if is_incremental() %}
        and {{ within_correction_todo('minute_start') }}
        and (station_id, date_trunc('day', minute_start)) in (select (todo.station_id, todo.day_start) from todo)
        {%- endif %}
),

final as (
    select
        station_id,
        minute_start,
        conf_number,
        is_configuration_fallback,
        is_z_default,
        live_s,
        is_bad_minute,
        reject_reason,
        {%- for name in fill_columns() %}
        {{ name }},
        {%- endfor %}
        {%- for name in count_columns() %}
        {{ name }},
        {%- endfor %}
        {%- for name in log_columns() %}
        {{ name }},
        {%- endfor %}
        {%- for name, unit in lab_columns() %}
        {{ name }}_{{ unit }},
        {{ name }}_source,
        {%- endfor %}
        {%- for name in era5_columns() %}
        {{ name }},
        {%- endfor %}
        is_era5_preliminary
    from minute_wide
)

select * from final
