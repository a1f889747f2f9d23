{# Reading the lake. Only staging models call these. #}

{# Asked for only when SQL is made: dbt would parse each model again for which the variable had changed. #}
{% macro lake_root() -%}
    {%- if execute %}{{ env_var('MINGO_DATA_DIR', 'data') }}/lake{% endif -%}
{%- endmacro %}

{# All files of a dataset; or, where the connection variable named by `variable` is set, only the files it lists
   (paths below the dataset's folder). DuckDB keeps getvariable() inside a view and binds it when the view is read, so
   an analyst or a test sees the whole lake, and a model whose pre-hook sets the variable sees the files of its run. #}
{% macro lake_scan(dataset, variable=none) -%}
    {%- do source('lake', dataset) -%}
    {%- set folder = lake_root() ~ '/' ~ dataset -%}
    {%- if variable -%}
    read_parquet(
        coalesce(
            list_transform(getvariable('{{ variable }}'), lambda p : '{{ folder }}/' || p),
            ['{{ folder }}/**/*.parquet']
        ),
        hive_partitioning = true,
        filename = 'lake_file'
    )
    {%- else -%}
    read_parquet('{{ folder }}/**/*.parquet', hive_partitioning = true, filename = 'lake_file')
    {%- endif -%}
{%- endmacro %}

{# Pre-hook of a model that wants the newest listing of every remote folder only: names are listed, nothing is opened. #}
{% macro newest_remote_file_hook() -%}
    {%- set folder = lake_root() ~ '/remote_file/' -%}
    set variable newest_remote_file = (
        select list_append(coalesce(list(lake_path order by lake_path), []), 'station=0/date=1970-01-01/schema.parquet')
        from (
            select
                max_by(lake_path, split_part(lake_path, '/', 2)) as lake_path
            from (select replace(file, '{{ folder }}', '') as lake_path from glob('{{ folder }}station=*/date=*/*.parquet'))
            where not ends_with(lake_path, '/schema.parquet')
            group by split_part(lake_path, '/', 1), split_part(lake_path, '/', 3)
        )
    )
{%- endmacro %}
