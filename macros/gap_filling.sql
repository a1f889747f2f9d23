{# Filling the minutes between two readings, each column by itself, by the rules of the seed `gap_policy`: measured,
   else linear in time between neighbours not too far apart, else the last value while it is not too old, else NULL.

   What a minute gets depends only on the last value at or before it and on the first one after it. Both are looked up
   once per reading; a minute then needs no more than the newest reading of its group. #}

{# The policy as one row: for each group a struct {max_gap_min, max_age_min}, a limit that does not apply being NULL. #}
{% macro gap_limits(policies) -%}
    select
        {%- for policy in policies %}
        any_value(struct_pack(
            max_gap_min := case when method = 'linear' then max_gap_min end,
            max_age_min := case when method in ('linear', 'held') then max_age_min end
        )) filter (where "group" = '{{ policy }}') as {{ policy }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('gap_policy') }}
{%- endmacro %}

{# Whether a row of a group's model holds any value of the group. #}
{% macro has_value(group) -%}
    coalesce({% for column in group.columns %}{{ column }}{{ ', ' if not loop.last }}{% endfor %}) is not null
{%- endmacro %}

{# One row per reading of a group; each column a struct {prior, later} of structs {x, at}: its last value at or before
   the reading and the first one after it. #}
{% macro gap_neighbours(group) -%}
    {%- set order = 'partition by station_id order by ' ~ group.at %}
    select
        station_id,
        {{ group.at }} as minute_start,
        {%- for column in group.columns + group.flags %}
        struct_pack(
            prior := last_value({{ reading_struct(column, group.at) }} ignore nulls) over so_far,
            later := first_value({{ reading_struct(column, group.at) }} ignore nulls) over ahead
        ) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref(group.model) }}
    where {{ has_value(group) }}
    window
        so_far as ({{ order }} rows between unbounded preceding and current row),
        ahead as ({{ order }} rows between 1 following and unbounded following)
{%- endmacro %}

{% macro reading_struct(column, at) -%}
    case when {{ column }} is not null then struct_pack(x := {{ column }}, at := {{ at }}) end
{%- endmacro %}

{# How a minute got its value: 3 measured, 2 interpolated, 1 held, NULL none. `near` is a struct of `gap_neighbours`. #}
{% macro fill_rank(near, minute, limit) -%}
    case
        when {{ near }}.prior.at = {{ minute }} then 3
        when date_diff('minute', {{ near }}.prior.at, {{ near }}.later.at) <= {{ limit }}.max_gap_min then 2
        when date_diff('minute', {{ near }}.prior.at, {{ minute }}) <= {{ limit }}.max_age_min then 1
    end
{%- endmacro %}

{# The value of a minute: x0 + (x1 - x0) (t - t0) / (t1 - t0) where it is interpolated, x0 where measured or held. #}
{% macro filled_value(near, minute, rank) -%}
    case
        when {{ rank }} = 2
            then {{ near }}.prior.x
                + ({{ near }}.later.x - {{ near }}.prior.x)
                * date_diff('minute', {{ near }}.prior.at, {{ minute }})
                / date_diff('minute', {{ near }}.prior.at, {{ near }}.later.at)
        when {{ rank }} is not null then {{ near }}.prior.x
    end
{%- endmacro %}

{# The word for a rank. #}
{% macro fill_word(rank) -%}
    case {{ rank }} when 3 then 'measured' when 2 then 'interpolated' when 1 then 'held' end
{%- endmacro %}
