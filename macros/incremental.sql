{# What a run works on, and how it replaces it.

   `int_file_todo` lists the files whose content, parser, configuration or parameters `fct_file` does not hold yet.
   A model of events reads only their lake files (`todo_hook`) and replaces only their rows (`replace_file`);
   `fct_file` is built last and remembers them. A run killed anywhere is therefore repaired by the next one. #}

{# Pre-hook of a model that reads stg_raw_event or stg_raw_hit: the lake files of this run, in the order of file_id.
   The schema-only file keeps the list from being empty, since without a list the views read the whole lake. #}
{% macro todo_hook() -%}
    set variable todo_path = (
        select
            list_append(
                coalesce(list(lake_path order by file_id), []),
                'station=0/date=1970-01-01/schema.parquet'
            )
        from {{ ref('int_file_todo') }}
        where lake_path is not null
    )
{%- endmacro %}

{# Incremental strategy: the rows of the files of this run are replaced. The built-in delete+insert deletes only keys
   present in the new rows, so a file that shrinks to no rows would keep its old ones. #}
{% macro get_incremental_replace_file_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set target = arg_dict['target_relation'] -%}
    {#- not a ref: a Python model has no place to declare it, and every such model depends on the work list anyway -#}
    {%- set todo = target.incorporate(path={'identifier': 'int_file_todo'}) -%}
    delete from {{ target }}
    where file_id in (select file_id from {{ todo }});
    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{# Pre-hook of int_raw_file: forget rows whose lake file is gone or may have been written again under its name, and
   list the files not held. A row is written again when its content becomes the current one of its file or stops being
   so, and with it the event file of the same name comes or goes: where the two do not fit, the row is read again.
   Listing is enough for all that; no lake file is opened that was read before. #}
{% macro new_raw_file_hook() -%}
    {%- for dataset in ['raw_file', 'raw_event'] %}
    set variable lake_{{ dataset }} = (
        select coalesce(list({{ lake_path('file') }}), [])
        from glob('{{ lake_root() }}/{{ dataset }}/**/*.parquet')
        where file not like '%/schema.parquet'
    );
    {%- endfor %}
    {%- if is_incremental() %}
    delete from {{ this }}
    where
        lake_path not in (select unnest(getvariable('lake_raw_file')))
        or (is_current and n_events > 0) != (lake_path in (select unnest(getvariable('lake_raw_event'))));
    {%- endif %}
    set variable new_raw_file = (
        select list_append(coalesce(list(lake.lake_path), []), 'station=0/date=1970-01-01/schema.parquet')
        from (select unnest(getvariable('lake_raw_file')) as lake_path) as lake
        {%- if is_incremental() %}
        where lake.lake_path not in (select held.lake_path from {{ this }} as held)
        {%- endif %}
    )
{%- endmacro %}

{# Path of a lake file below the folder of its dataset, `station=<n>/date=<day>/<name>`. #}
{% macro lake_path(column) -%}
    array_to_string(string_split({{ column }}, '/')[-3:], '/')
{%- endmacro %}

{# Pre-hook of int_file_todo: the lake files of all files that fct_file does not hold, to be looked for in the lake. #}
{% macro candidate_hook() -%}
    set variable todo_candidate = (
        select
            list_append(
                coalesce(list(file.lake_path), []),
                'station=0/date=1970-01-01/schema.parquet'
            )
        from {{ ref('dim_file') }} as file
        where
            file.lake_path is not null
            and {{ is_not_held('file') }}
    )
{%- endmacro %}

{# True for a row of dim_file whose present content, parser, configuration or parameters fct_file does not hold. #}
{% macro is_not_held(file) -%}
    {%- set fct_file = existing_relation('fct_file') -%}
    {%- if fct_file is none -%}
    true
    {%- else -%}
    ({{ file }}.file_id, {{ file }}.lineage_id) not in (select (held.file_id, held.lineage_id) from {{ fct_file }} as held)
    {%- endif -%}
{%- endmacro %}

{# A table of this project that an earlier run made, or none. For what a model must know of later models, where a ref
   would be a cycle. #}
{% macro existing_relation(name) -%}
    {%- if execute -%}
        {{- return(adapter.get_relation(database=this.database, schema=this.schema, identifier=name)) -}}
    {%- endif -%}
    {{- return(none) -}}
{%- endmacro %}

{# The lake files of one dataset that are there, of those listed by the variable `todo_candidate`. #}
{% macro lake_present(dataset) -%}
    glob(
        list_transform(
            getvariable('todo_candidate'), lambda p : '{{ lake_root() }}/{{ dataset }}/' || p
        )
    )
{%- endmacro %}
