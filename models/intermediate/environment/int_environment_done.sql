{#- What the minutes of each day were made from, written after all tables of these minutes: a run killed anywhere is
    repaired by the next one. -#}
-- depends_on: {{ ref('fct_environment_minute') }}, {{ ref('int_environment_coverage') }}
with

final as (
    select
        station_id,
        day,
        fingerprint
    from {{ ref('int_environment_input') }}
)

select * from final
