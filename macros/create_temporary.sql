{# The new rows of an incremental model are inserted as they are computed. dbt-duckdb would first write them to a
   temporary table, which stays in memory until the run ends, and then copy them: a third of the time of an event.
   A temporary view does for our own strategies, since they read it once and none of their models reads itself. #}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- if temporary and language == 'sql' and config.get('incremental_strategy') in ['replace_file', 'replace_day'] -%}
        create temporary view {{ relation.include(database=false, schema=false) }} as (
            {{ compiled_code }}
        )
    {%- else -%}
        {{- return(dbt.duckdb__create_table_as(
            temporary, relation, compiled_code, language, partitioned_by, sorted_by
        )) -}}
    {%- endif -%}
{%- endmacro %}
