{% set values = [
    'rate_asserted_hz', 'rate_edge_hz', 'rate_accepted_hz',
    'rate_tm0_hz', 'rate_tm1_hz', 'rate_tm2_hz', 'rate_tm3_hz',
    'rate_cm0_hz', 'rate_cm1_hz', 'rate_cm2_hz', 'rate_cm3_hz',
] %}
{{ config(materialized='table') }}

with

copies as (
    {{ lab_copies('lab_rates', values) }}
),

readings as (
    {{ lab_kept('copies') }}
),

limits as (
    select * from {{ ref('stg_lab_limit_day') }}
),

plane_in_force as (
    {{ seed_in_force('multiplexer_map', 'limits', 'plane', ['channel']) }}
),

plane_channel as (
    select
        {%- for plane in range(1, 5) %}
        any_value(channel) filter (where plane = {{ plane }}) as p{{ plane }}_channel,
        {%- endfor %}
        station_id,
        read_date
    from plane_in_force
    group by station_id, read_date
),

checked as (
    select
        {{ lab_head('readings') }},
        {{ within_limits(values) }},
        {{ outside_limits(values) }} as out_of_limits,
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
        checked.*,
        {%- for plane in range(1, 5) %}
        case plane_channel.p{{ plane }}_channel
            {%- for channel in range(4) %}
            when 'tm{{ channel }}' then checked.rate_tm{{ channel }}_hz
            {%- endfor %}
        end as rate_p{{ plane }}_hz,
        {%- endfor %}
        checked.rate_asserted_hz >= checked.rate_edge_hz
        and checked.rate_edge_hz >= checked.rate_accepted_hz as is_rate_order_ok,
        checked.rate_accepted_hz < 4 as is_rate_accepted_low
    from checked
    left join plane_channel
        on checked.station_id = plane_channel.station_id
            and cast(checked.read_at as date) = plane_channel.read_date
)

select * from final
