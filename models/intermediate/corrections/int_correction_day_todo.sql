{#- Days to build: those whose inputs are not the ones remembered, and remembered days without inputs. -#}
{%- set day_done = none if flags.FULL_REFRESH else existing_relation('int_correction_done') -%}
with

fingerprint as (
    select * from {{ ref('int_correction_input') }}
),

{%- if day_done is not none %}

done as (
    select * from {{ day_done }}
),

final as (
    select
        station_id,
        day_start
    from fingerprint
    full join done using (station_id, day_start)
    where fingerprint.fingerprint is distinct from done.fingerprint
)
{%- else %}

final as (
    select
        station_id,
        day_start
    from fingerprint
)
{%- endif %}

select * from final
