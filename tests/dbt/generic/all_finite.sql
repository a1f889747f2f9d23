{# No DOUBLE or FLOAT column holds NaN or an infinity: missing is NULL. #}
{% test all_finite(model) %}
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
        or not isfinite({{ number }})
        {%- endfor %}
{% endtest %}
