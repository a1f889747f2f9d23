{# No DOUBLE or FLOAT column holds NaN: missing is NULL. #}
{% test no_nan(model) %}
    {%- set numbers = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(model) if column.data_type | upper in ('DOUBLE', 'FLOAT') -%}
            {%- do numbers.append(column.quoted) -%}
        {%- endfor -%}
    {%- endif %}
    select *
    from {{ model }}
    where false
        {%- for number in numbers %}
        or isnan({{ number }})
        {%- endfor %}
{% endtest %}
