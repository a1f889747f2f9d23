{# Plausible ranges of logged values (seed `log_limits`), applied to each reading before any mean. #}

{# One row per station and day with a struct {column_name, low, high} for each column. #}
{% macro limits_by_day(in_force, columns) -%}
    select
        station_id,
        read_date,
        {%- for column in columns %}
        any_value(struct_pack(column_name, low, high))
            filter (where column_name = '{{ column }}') as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ in_force }}
    group by station_id, read_date
{%- endmacro %}

{# True where a value lies outside its limits (both inclusive); NULL without a value or without limits. #}
{% macro is_outside(value, limit) -%}
    {{ value }} not between {{ limit }}.low and {{ limit }}.high
{%- endmacro %}

{# Each value, or NULL where it lies outside its limits. A column without limits keeps its value. #}
{% macro within_limits(columns, values='readings', limits='limits') -%}
    {%- for column in columns %}
        case
            when {{ is_outside(values ~ '.' ~ column, limits ~ '.' ~ column) }} then null
            else {{ values }}.{{ column }}
        end as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The values outside their limits, as a list of {column_name, reading}. #}
{% macro outside_limits(columns, values='readings', limits='limits') -%}
        list_filter([
            {%- for column in columns %}
            case
                when {{ is_outside(values ~ '.' ~ column, limits ~ '.' ~ column) }}
                    then struct_pack(
                        column_name := {{ limits }}.{{ column }}.column_name, reading := {{ values }}.{{ column }}
                    )
            end{{ ',' if not loop.last }}
            {%- endfor %}
        ], lambda outside : outside is not null)
{%- endmacro %}
