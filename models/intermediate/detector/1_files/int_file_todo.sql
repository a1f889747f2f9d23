{{ config(materialized='table', pre_hook="{{ candidate_hook() }}") }}
{%- set fct_file = existing_relation('fct_file') -%}
{%- set todo_before = existing_relation('int_file_todo') %}

with

file as (
    select * from {{ ref('dim_file') }}
),

present_event as (
    select {{ lake_path('file') }} as lake_path
    from {{ lake_present('raw_event') }}
),

present_hit as (
    select {{ lake_path('file') }} as lake_path
    from {{ lake_present('raw_hit') }}
),

changed as (
    select
        file.file_id,
        file.station_id,
        file.start_time,
        file.lake_path,
        file.lineage_id
    from file
    where
        {{ is_not_held('file') }}
        and (
            file.lake_path is null
            or (
                file.lake_path in (select present_event.lake_path from present_event)
                and file.lake_path in (select present_hit.lake_path from present_hit)
            )
        )
    {%- if var('station', none) is not none %}
        and file.station_id = {{ var('station') }}
        {%- endif %}
    order by file.start_time desc, file.file_id asc
    limit {{ var('max_files') }}
),

{# files that were processed, or begun by a run that did not come to its end #}
known_before as (
    select
        file_id,
        station_id,
        start_time
    from changed
    where false
    {%- if fct_file is not none %}
    union
    select
        file_id,
        station_id,
        start_time
    from {{ fct_file }}
    {%- endif %}
    {%- if todo_before is not none %}
    union
    select
        begun.file_id,
        begun.station_id,
        begun.start_time
    from {{ todo_before }} as begun
    {%- if fct_file is not none %}
    anti join {{ fct_file }} as held on begun.file_id = held.file_id and begun.lineage_id = held.lineage_id
    {%- endif %}
    where not begun.is_gone
    {%- endif %}
),

gone as (
    select known_before.*
    from known_before
    anti join file on known_before.file_id = file.file_id
),

final as (
    select
        file_id,
        station_id,
        start_time,
        cast(start_time as date) as start_date,
        lake_path,
        lineage_id,
        false as is_gone
    from changed
    union all
    select
        file_id,
        station_id,
        start_time,
        cast(start_time as date) as start_date,
        cast(null as varchar) as lake_path,
        cast(null as varchar) as lineage_id,
        true as is_gone
    from gone
)

select * from final
order by file_id
