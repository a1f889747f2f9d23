{# Interpolated values are part of a straight line, so each lies between those of the minutes before and after it. ERA5 has
   values at full hours only and is never held, so what stands at any other minute is interpolated. Asked of the days this
   run made. #}
{% set air = [] %}
{% set era5 = [] %}
{% for group in environment_groups() %}
{% if group.policy == 'air' %}{% do air.extend(group.columns) %}{% endif %}
{% if group.model == 'int_era5_hourly' %}{% do era5.extend(group.columns) %}{% endif %}
{% endfor %}

with

minutes as (
    select
        station_id,
        minute_start,
        {%- for column in air %}
        {{ column }}_fill = 'interpolated' as is_{{ column }}_interpolated,
        {%- endfor %}
        {%- for column in era5 %}
        {{ column }} is not null and minute(minute_start) > 0 as is_{{ column }}_interpolated,
        {%- endfor %}
        {%- for column in air + era5 %}
        {{ column }},
        lag({{ column }}, 1, {{ column }}) over minute as {{ column }}_before,
        lead({{ column }}, 1, {{ column }}) over minute as {{ column }}_after
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_environment_minute') }}
    where (station_id, cast(minute_start as date)) in (select (station_id, day) from {{ ref('int_environment_day_todo') }})
    window minute as (partition by station_id, cast(minute_start as date) order by minute_start)
)

select
    station_id,
    minute_start
from minutes
where false
    {%- for column in air + era5 %}
    or (
        is_{{ column }}_interpolated
        and (
            {{ column }}_before is null
            or {{ column }}_after is null
            or {{ column }} < least({{ column }}_before, {{ column }}_after) - 1e-9
            or {{ column }} > greatest({{ column }}_before, {{ column }}_after) + 1e-9
        )
    )
    {%- endfor %}
