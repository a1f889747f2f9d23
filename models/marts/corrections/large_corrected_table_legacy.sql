{{ config(materialized='view') }}
with

legacy_row as (
    select * from {{ ref('int_legacy_row') }}
    where bin_width_s = 3600
),

final as (
    select
        {%- for name, value in legacy_columns() %}
        "{{ name }}"{%- if not loop.last %},{% endif %}
        {%- endfor %}
    from legacy_row
)

select * from final
