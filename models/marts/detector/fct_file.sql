{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
    tags=['publish'],
) }}

{# Built after every table of events and minutes, so that a file stands here only when all of them hold it. #}
-- depends_on: {{ ref('int_hit') }}, {{ ref('int_event_clean') }}, {{ ref('int_file_event_counter') }}
-- depends_on: {{ ref('fct_channel_status') }}, {{ ref('fct_calibration') }}, {{ ref('int_cal_file') }}
-- depends_on: {{ ref('fct_track') }}, {{ ref('int_track_plane') }}, {{ ref('int_file_track') }}
-- depends_on: {{ ref('int_file_plane') }}, {{ ref('int_file_span') }}, {{ ref('int_plane_pool_rule') }}
-- depends_on: {{ ref('int_time_scan') }}
with

todo as (
    select * from {{ ref('int_file_todo') }}
),

file as (
    select * from {{ ref('dim_file') }}
),

final as (
    select
        file.file_id,
        file.station_id,
        file.start_time,
        file.base_name,
        file.status,
        file.n_lines,
        file.n_events,
        file.n_rejects,
        file.content_sha256,
        file.parser_version,
        file.lineage_id,
        '{{ invocation_id }}' as run_id,
        cast(current_timestamp as timestamp) as built_at
    from file
    inner join todo on file.file_id = todo.file_id and file.lineage_id = todo.lineage_id
)

select * from final
