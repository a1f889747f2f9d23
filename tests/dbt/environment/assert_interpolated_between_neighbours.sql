{# Interpolated values are part of a straight line, so each lies between those of the minutes before and after it. #}
{% set columns = [] %}
{% for group in environment_groups() if group.policy == 'air' %}{% do columns.extend(group.columns) %}{% endfor %}

with

minutes as (
    select
        station_id,
        minute_start,
        {%- for column in columns %}
        {{ column }},
        {{ column }}_fill,
        lag({{ column }}) over minute as {{ column }}_before,
        lead({{ column }}) over minute as {{ column }}_after{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_environment_minute') }}
    window minute as (partition by station_id order by minute_start)
)

select
    station_id,
    minute_start
from minutes
where false
    {%- for column in columns %}
    or (
        {{ column }}_fill = 'interpolated'
        and (
            {{ column }}_before is null
            or {{ column }}_after is null
            or {{ column }} < least({{ column }}_before, {{ column }}_after) - 1e-9
            or {{ column }} > greatest({{ column }}_before, {{ column }}_after) + 1e-9
        )
    )
    {%- endfor %}
