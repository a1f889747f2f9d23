{{ config(materialized='view') }}
with

corrected as (
    select * from {{ ref('large_corrected_table') }}
    where bin_width_s = 3600
),

final as (
    select
        bin_start as time,
        station_id,
        station_code,
        bin_width_s,
        live_s,
        n_events,
        {%- for tt in ['1234', '123', '234', '124', '134'] %}
        n_{{ tt }},
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
        is_era5_preliminary,
        hv_mean_kv,
        hv_current_mean_ua,
        pressure_delta_hpa,
        pressure_source
    from corrected
)

select * from final
