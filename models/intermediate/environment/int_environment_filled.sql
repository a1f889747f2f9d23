{% set groups = environment_groups() %}
{{ config(materialized='view') }}

with

stretches as (
    select * from {{ ref('int_environment_stretch') }}
),

limits as (
    {{ gap_limits(groups | map(attribute='policy') | unique | list) }}
),
{% for group in groups %}
{{ group.name }} as (
    {{ gap_neighbours(group) }}
),
{% endfor %}
near as (
    select
        stretches.station_id,
        {%- for group in groups %}
        {%- for column in group.columns + group.flags %}
        {{ group.name }}.{{ column }},
        {%- endfor %}
        {%- endfor %}
        stretches.start_minute,
        stretches.end_minute
    from stretches
    {%- for group in groups %}
left join {{ group.name }}
    on stretches.station_id = {{ group.name }}.station_id
        and stretches.{{ group.name }}_at = {{ group.name }}.minute_start
    {%- endfor %}
),

minutes as (
    select
        *,
        unnest(range(start_minute, end_minute, interval 1 minute)) as minute_start
    from near
),

ranked as (
    select
        minutes.station_id,
        {%- for group in groups %}
        {%- set limit = 'limits.' ~ group.policy %}
        {%- for column in group.columns + group.flags %}
        minutes.{{ column }} as {{ column }}_near,
        {{ fill_rank('minutes.' ~ column, 'minutes.minute_start', limit) }} as {{ column }}_rank,
        {%- endfor %}
        {%- endfor %}
        minutes.minute_start
    from minutes
    cross join limits
),

final as (
    select
        station_id,
        {%- for group in groups %}
        {%- for column in group.columns + group.flags %}
        {{ filled_value(column ~ '_near', 'minute_start', column ~ '_rank') }} as {{ column }},
        {{ column }}_rank,
        {%- endfor %}
        {%- endfor %}
        minute_start
    from ranked
)

select * from final
