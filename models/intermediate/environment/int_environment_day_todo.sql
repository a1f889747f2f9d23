{#- Days whose minutes are to be made: made from something else than now, made by no run, or without inputs since. -#}
{%- set done = none if flags.FULL_REFRESH else existing_relation('int_environment_done') -%}
{%- set minutes = existing_relation('fct_environment_minute') -%}
with

input_now as (
    select * from {{ ref('int_environment_input') }}
),

input_done as (
    select
        station_id,
        day,
        fingerprint
    from {{ done or 'input_now where false' }}
),

{% if done and minutes -%}
day_made as (
    select distinct
        station_id,
        cast(minute_start as date) as day
    from {{ minutes }}
),
{%- else -%}
day_made as (
    select
        station_id,
        day
    from input_done
    where false
),
{%- endif %}

final as (
    select
        station_id,
        day
    from input_now
    full outer join input_done using (station_id, day)
    left join day_made using (station_id, day)
    where input_now.fingerprint is distinct from input_done.fingerprint or day_made.day is null
)

select * from final
order by day, station_id
