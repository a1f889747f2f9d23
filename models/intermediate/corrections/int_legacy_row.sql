{{ config(materialized='view') }}
with

corrected as (
    select * from {{ ref('large_corrected_table') }}
    where bin_width_s in (600, 3600)
),

final as (
    select
        station_id,
        bin_width_s,
        {%- for name, value in legacy_columns() %}
        {{ value }} as "{{ name }}",
        {%- endfor %}
        rate_norm_pct / 100 as miniTRASGO
    from corrected
)

select * from final
