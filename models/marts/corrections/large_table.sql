{{ config(
    materialized='incremental',
    incremental_strategy='replace_correction_day',
    on_schema_change='append_new_columns',
    pre_hook="{{ correction_day_hook() }}",
    tags=['publish']
) }}
with

minute_wide as (
    select * from {{ ref('int_minute_wide') }}
    where
        has_value
        and {{ in_correction_day('station_id', 'minute_start') }}
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
