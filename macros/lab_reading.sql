{# From the rows of a log dataset to one row per reading. Several rows of one reading come from a file fetched more than
   once, from its copies in the top and in the done folder, and from lines the station wrote twice. #}

{# The columns every log dataset begins with. #}
{% macro lab_head(alias) -%}
    {%- for name in ['station_id', 'read_at', 'file_date', 'row_status', 'remote_folder', 'file_size_bytes'] -%}
    {{ alias }}.{{ name }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# All rows of a dataset but those of superseded files, whose every row stands in a longer version too.
   `copy_number` 1 is the row to keep: complete before short, finished day before growing file, larger file, newer
   fetch, later line. `written` and `kept` are the values of the row and of the row to keep. #}
{% macro lab_copies(dataset, values, key=[]) -%}
    {%- set columns = key + values %}
    select
        {{ lab_head('lake') }},
        {% for column in columns %}lake.{{ column }}, {% endfor %}
        {{ provenance_columns('lake') }},
        struct_pack(
            {%- for column in values %}{{ column }} := lake.{{ column }}{{ ', ' if not loop.last }}{% endfor -%}
        ) as written,
        row_number() over reading as copy_number,
        first_value(written) over reading as kept
    from {{ ref('base_' ~ dataset) }} as lake
    anti join {{ ref('stg_env_file') }} as superseded
        on superseded.status = 'superseded'
        and lake.source_file = superseded.source_file
        and lake.file_sha256 = superseded.file_sha256
    window reading as (
        partition by lake.station_id, lake.read_at{% for column in key %}, lake.{{ column }}{% endfor %}
        order by
            lake.row_status = 'short' asc,
            lake.remote_folder = 'done' desc,
            lake.file_size_bytes desc,
            lake.fetched_at desc,
            lake.line_number desc,
            lake.source_file asc,
            lake.file_sha256 asc
    )
{%- endmacro %}

{# The row to keep of each reading, with the number of dropped rows that say the same and that say something else. #}
{% macro lab_kept(copies, key=[]) -%}
    select
        * exclude (written, copy_number, kept),
        count(*) filter (where written is not distinct from kept) over reading - 1 as n_identical,
        count(*) filter (where written is distinct from kept) over reading as n_conflict
    from {{ copies }}
    window reading as (partition by station_id, read_at{% for column in key %}, {{ column }}{% endfor %})
    qualify copy_number = 1
{%- endmacro %}
