{# A value is NULL exactly where its word is, and the word is one of those that mean something. Asked of the days this run
   made. #}
{% set fills = ['measured', 'interpolated', 'held'] %}
{% set sources = [] %}
{% for sensor in ['ext', 'int'] %}{% for fill in fills %}{% do sources.append(sensor ~ '_' ~ fill) %}{% endfor %}{% endfor %}
{% set words = [] %}
{% for quantity in ['pressure_lab_hpa', 'temp_lab_degc', 'rh_lab_pct'] %}
{% do words.append((quantity, quantity.rsplit('_', 1)[0] ~ '_source', sources)) %}
{% endfor %}
{% for group in environment_groups() %}
{% if group.policy == 'air' %}
{% for column in group.columns %}{% do words.append((column, column ~ '_fill', fills)) %}{% endfor %}
{% elif group.fill %}
{% do words.append(('coalesce(' ~ group.columns | join(', ') ~ ')', group.fill, fills)) %}
{% endif %}
{% endfor %}

select
    station_id,
    minute_start
from {{ ref('fct_environment_minute') }}
where
    (station_id, cast(minute_start as date)) in (select (station_id, day) from {{ ref('int_environment_day_todo') }})
    and (
        (coalesce(era5_fill, era5_profile_fill) is null) != (is_era5_preliminary is null)
        {%- for value, word, known in words %}
        or ({{ value }} is null) != ({{ word }} is null)
        or {{ word }} not in ({% for name in known %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %})
        {%- endfor %}
    )
