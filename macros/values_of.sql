{# The values in a column of a model above this one, in order. None while dbt parses, and before that model is built. #}
{% macro values_of(model, column) %}
    {%- set relation = ref(model) -%}
    {%- if not execute or load_relation(relation) is none -%}{{ return([]) }}{%- endif -%}
    {{ return(run_query('select distinct ' ~ column ~ ' from ' ~ relation ~ ' order by 1').columns[0].values() | list) }}
{% endmacro %}
