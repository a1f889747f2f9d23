{#- Mean rate that stands for 0 %, of each configuration and direction group. -#}
{%- set series = ['station_id', 'bin_width_s', 'group_code', 'conf_number'] -%}
with

rate as (
    select * from {{ ref('int_rate_temperature') }}
),

reference_interval as (
    select * from {{ ref('reference_interval') }}
),

{{ reference_ctes('rate', 'rate_final_hz', series, 'is_usable') }}

final as (
    select
        * exclude (mean),
        mean as reference_hz
    from reference
)

select * from final
