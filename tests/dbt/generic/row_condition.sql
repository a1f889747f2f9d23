{# Every row fulfils the condition; a row for which it is NULL fails. #}
{% test row_condition(model, condition) %}
    select *
    from {{ model }}
    where not coalesce({{ condition }}, false)
{% endtest %}
