{% set columns = environment_groups() | sum(attribute='columns', start=[]) %}
{{ config(
    materialized='incremental', incremental_strategy='replace_day', on_schema_change='append_new_columns',
    meta={'time_column': 'day_start', 'days': 'int_environment_day_todo'}
) }}
-- depends_on: {{ ref('int_environment_day_todo') }}

with

minutes as (
    select * from {{ ref('int_environment_filled') }}
),

counted as (
    select
        {%- for column in columns %}
        struct_pack(
            n_measured := count(*) filter (where {{ column }}_rank = 3),
            n_interpolated := count(*) filter (where {{ column }}_rank = 2),
            n_held := count(*) filter (where {{ column }}_rank = 1)
        ) as {{ column }},
        {%- endfor %}
        station_id,
        cast(minute_start as date) as day_start
    from minutes
    group by station_id, cast(minute_start as date)
),

by_column as (
    unpivot counted
    on {{ columns | join(', ') }}
    into name column_name value n
),

spread as (
    select
        station_id,
        day_start,
        column_name,
        unnest(n)  -- noqa: AL03
    from by_column
),

final as (
    select
        *,
        1440 - n_measured - n_interpolated - n_held as n_null
    from spread
)

select * from final
