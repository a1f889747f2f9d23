{# Filling the minutes between two readings, each column by itself, by the rules of the seed `gap_policy`: measured,
   else linear in time between neighbours not too far apart, else the last value while it is not too old, else NULL.

   What a minute gets depends only on the last value at or before it and on the first one after it. Both are looked up
   once per reading, within a day and what reaches into it, so that each day can be made by itself. #}

{# The policy as one row: for each group a struct {max_gap_min, max_age_min}, a limit that does not apply being NULL. #}
{% macro gap_limits(policies, gap_policy) -%}
    select
        {%- for policy in policies %}
        any_value(struct_pack(
            max_gap_min := case when method = 'linear' then max_gap_min end,
            max_age_min := case when method in ('linear', 'held') then max_age_min end
        )) filter (where "group" = '{{ policy }}') as {{ policy }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ gap_policy }}
{%- endmacro %}

{# How far a reading may reach, before and after its minute: the longest limit of the policy. #}
{% macro gap_reach(gap_policy) -%}
    select to_minutes(coalesce(max(greatest(coalesce(max_gap_min, 0), coalesce(max_age_min, 0))), 0)) as reach
    from {{ gap_policy }}
{%- endmacro %}

{# The days a reading may reach into, one row each. #}
{% macro days_reached(minute_start, reach) -%}
    cast(unnest(generate_series(
        date_trunc('day', {{ minute_start }} - {{ reach }}), {{ minute_start }} + {{ reach }}, interval 1 day
    )) as date)
{%- endmacro %}

{# Readings of the CTEs `lab` and `era5` under one another; with `hash`, one hash in place of the values. #}
{% macro environment_readings(form='values') -%}
    {%- for name, model, at in [('lab', 'int_lab_minute', 'minute_start'), ('era5', 'int_era5_hourly', 'valid_time')] %}
    {%- set values = [] %}
    {%- for group in environment_groups_of(model) %}{% do values.extend(group.columns + group.flags) %}{% endfor %}
    select
        station_id,
        {{ at }} as minute_start,
        {%- if form == 'hash' %}
        hash({{ at }}, {{ values | join(', ') }}) as reading_hash
        {%- else %}
        {{ values | join(', ') }},
        {{ loop.index }} as reading_order
        {%- endif %}
    from {{ name }}
    {{- '\n    union all by name' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Whether a row of a group's model holds any value of the group. #}
{% macro has_value(group) -%}
    coalesce({% for column in group.columns %}{{ column }}{{ ', ' if not loop.last }}{% endfor %}) is not null
{%- endmacro %}

{% macro gap_order() -%}
    partition by station_id, day order by minute_start, reading_order
{%- endmacro %}

{# Each column a struct {prior, later} of structs {x, at}: its last value at or before the reading (window `so_far`) and
   the first one after it (window `ahead`), which only a column that may be bridged needs. #}
{% macro gap_neighbours(groups) -%}
    {%- for group in groups %}
    {%- set is_last = loop.last %}
    {%- for column in group.columns + group.flags %}
        struct_pack(
            prior := last_value({{ reading_struct(column, 'minute_start') }} ignore nulls) over so_far
            {%- if group.is_bridged %},
            later := first_value({{ reading_struct(column, 'minute_start') }} ignore nulls) over ahead
            {%- endif %}
        ) as {{ column }}{{ ',' if not (is_last and loop.last) }}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{% macro reading_struct(column, at) -%}
    case when {{ column }} is not null then struct_pack(x := {{ column }}, at := {{ at }}) end
{%- endmacro %}

{# How a minute got its value: 3 measured, 2 interpolated, 1 held, NULL none. `near` is a struct of `gap_neighbours`. #}
{% macro fill_rank(near, minute, limit, is_bridged) -%}
    case
        when {{ near }}.prior.at = {{ minute }} then 3
        {%- if is_bridged %}
        when date_diff('minute', {{ near }}.prior.at, {{ near }}.later.at) <= {{ limit }}.max_gap_min then 2
        {%- endif %}
        when date_diff('minute', {{ near }}.prior.at, {{ minute }}) <= {{ limit }}.max_age_min then 1
    end
{%- endmacro %}

{# The value of a minute: x0 + (x1 - x0) (t - t0) / (t1 - t0) where it is interpolated, x0 where measured or held. #}
{% macro filled_value(near, minute, rank, is_bridged) -%}
    case
        {%- if is_bridged %}
        when {{ rank }} = 2
            then {{ near }}.prior.x
                + ({{ near }}.later.x - {{ near }}.prior.x)
                * date_diff('minute', {{ near }}.prior.at, {{ minute }})
                / date_diff('minute', {{ near }}.prior.at, {{ near }}.later.at)
        {%- endif %}
        when {{ rank }} is not null then {{ near }}.prior.x
    end
{%- endmacro %}

{# The word for a rank. #}
{% macro fill_word(rank) -%}
    case {{ rank }} when 3 then 'measured' when 2 then 'interpolated' when 1 then 'held' end
{%- endmacro %}
