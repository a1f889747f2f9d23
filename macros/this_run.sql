{# Restricts a model that holds this run only: what nothing outside the run will ever read again. #}
{% macro where_in_run(column='file_id') -%}
    where {{ column }} in (select todo.file_id from {{ ref('int_file_todo') }} as todo)
{%- endmacro %}

{# Restricts an event-level model to the files of this run. A table built for the first time, or with --full-refresh,
   takes everything its inputs hold. #}
{% macro where_file_todo(column='file_id') -%}
    {%- set todo = ref('int_file_todo') -%}
    {%- if is_incremental() -%}
    where {{ column }} in (select todo.file_id from {{ todo }} as todo)
    {%- else -%}
    where true
    {%- endif -%}
{%- endmacro %}
