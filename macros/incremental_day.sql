{# The minute tables are replaced by (station, day).

   `int_day_source` says which file versions each day must be made of, `int_day_built`, written after all minute tables,
   which it was made of; `int_day_todo` is where the two differ. So a new, changed or vanished file, or a file that
   another one supersedes, rebuilds exactly its days, and a run killed anywhere is repaired by the next one. #}

{# Restricts a minute-level model to the days to be rebuilt. A table built for the first time takes all days. #}
{% macro where_day_todo(station_id, time_column, days='int_day_todo') -%}
    {%- set todo = ref(days) -%}
    {%- if is_incremental() -%}
    where ({{ station_id }}, cast({{ time_column }} as date)) in (select (todo.station_id, todo.day) from {{ todo }} as todo)
    {%- else -%}
    where true
    {%- endif -%}
{%- endmacro %}

{# Incremental strategy: all rows of the days to be rebuilt go, and those made anew come. `meta` of the model names the
   time column and, where it is another, the relation of days. The bounds are written out so that row groups of other
   times are not read. #}
{% macro get_incremental_replace_day_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set time_column = config.get('meta')['time_column'] -%}
    {%- set todo = ref(config.get('meta').get('days', 'int_day_todo')) -%}
    {%- set bounds = run_query("select min(day), max(day) + 1 from " ~ todo).rows[0] -%}
    {%- if bounds[0] is not none %}
    delete from {{ arg_dict['target_relation'] }}
    where
        {{ time_column }} >= '{{ bounds[0] }}'
        and {{ time_column }} < '{{ bounds[1] }}'
        and (station_id, cast({{ time_column }} as date)) in (select (station_id, day) from {{ todo }});
    {% endif -%}
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
{% endmacro %}
