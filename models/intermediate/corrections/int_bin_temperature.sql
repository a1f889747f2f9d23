{{ config(materialized='ephemeral') }}
{#- What each method of the temperature correction reads of the air of a bin, where all of it is known. -#}
with

bin_environment as (
    select * from {{ ref('int_bin_environment') }}
),

final as (
    {%- for method, input in temperature_inputs().items() %}
    select
        station_id,
        bin_start,
        bin_width_s,
        '{{ method }}' as method,
        {{ input.temp_k }} as temp_k,
        {{ input.height_m ~ ' / 1000' if input.height_m else 'cast(null as double)' }} as height_km
    from bin_environment
    where {{ input.temp_k }} is not null{% if input.height_m %} and {{ input.height_m }} is not null{% endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from final
