{# Lake datasets of many small files, held in a table so that each lake file is opened once. What changed is told by
   listing: a file is read when the table does not hold it with its present time of modification, and its rows go when
   it is gone or was written anew. Listing thousands of files costs less than opening ten. #}

{# Pre-hook of a model whose body is `lake_rows`: forget what is gone or changed, list what is to be read. The cache of
   file blocks is off meanwhile: it keeps 0.2 MB of each small file, which will not be read again. #}
{% macro lake_rows_hook(dataset) -%}
    {%- set folder = lake_root() ~ '/' ~ dataset ~ '/' %}
    set enable_external_file_cache = false;
    create or replace temp table lake_listing as
    select
        replace(filename, '{{ folder }}', '') as lake_path,
        timezone('UTC', last_modified) as lake_modified_at
    from read_blob('{{ folder }}**/*.parquet')
    where not ends_with(filename, '/schema.parquet');
    {%- if is_incremental() %}
    delete from {{ this }}
    where (lake_path, lake_modified_at) not in (select (lake_path, lake_modified_at) from lake_listing);
    delete from lake_listing
    where lake_path in (select held.lake_path from {{ this }} as held);
    {%- endif %}
    set variable changed_{{ dataset }} = (
        select
            list_append(
                coalesce(list(lake_path order by lake_path), []),
                '{{ 'date=1970-01-01' if dataset == 'nmdb' else 'station=0/date=1970-01-01' }}/schema.parquet'
            )
        from lake_listing
    )
{%- endmacro %}

{# Post-hook of such a model. #}
{% macro lake_rows_done() -%}
    set enable_external_file_cache = true
{%- endmacro %}

{# The rows of the lake files to be read, in the columns of the dataset's declaration. Sorting before the insert keeps
   the memory of a scan of many files small. #}
{% macro lake_rows(dataset) -%}
    {%- set columns = [] -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == 'lake' and node.name == dataset -%}
            {%- do columns.extend(node.columns) -%}
        {%- endfor -%}
    {%- endif -%}
    select
        {%- for column in columns %}
        lake.{{ column }},
        {%- endfor %}
        listing.lake_path,
        listing.lake_modified_at
    from {{ lake_scan(dataset, 'changed_' ~ dataset) }} as lake
    inner join lake_listing as listing
        on replace(lake.lake_file, '{{ lake_root() }}/{{ dataset }}/', '') = listing.lake_path
    order by listing.lake_path asc
{%- endmacro %}
