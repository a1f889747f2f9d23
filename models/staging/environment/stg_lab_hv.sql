{% set limited = ['hv_current_pos_ua', 'hv_current_neg_ua', 'hv_neg_kv', 'hv_pos_kv'] %}
{% set unlimited = [
    'hv_vs_kv', 'hv_supply_v', 'hv_set_kv', 'hv_current_limit_ua', 'hv_set_dac_kv', 'hv_current_limit_dac_ua',
] %}
{% set flags = ['is_hv_in_limit', 'is_hv_ip_limit', 'hv_flag_3', 'hv_flag_4', 'hv_flag_5', 'hv_flag_6', 'hv_flag_7'] %}
{{ config(materialized='table') }}

with

copies as (
    {{ lab_copies('lab_hv', ['hv_board_id'] + limited + unlimited + flags) }}
),

readings as (
    {{ lab_kept('copies') }}
),

limits as (
    select * from {{ ref('stg_lab_limit_day') }}
),

checked as (
    select
        {{ lab_head('readings') }},
        readings.hv_board_id,
        {{ within_limits(limited) }},
        {%- for column in unlimited + flags %}
        readings.{{ column }},
        {%- endfor %}
        {{ outside_limits(limited) }} as out_of_limits,
        readings.n_identical,
        readings.n_conflict,
        {{ provenance_columns('readings') }}
    from readings
    left join limits
        on readings.station_id = limits.station_id
            and cast(readings.read_at as date) = limits.read_date
),

final as (
    select
        *,
        abs(hv_current_pos_ua) > 0.5 or abs(hv_current_neg_ua) > 0.5 as is_hv_current_high
    from checked
)

select * from final
