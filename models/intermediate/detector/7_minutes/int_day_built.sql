{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'day'},
) }}

{# Built after all tables of minutes: what stands here is in every one of them. #}
-- depends_on: {{ ref('int_minute_file') }}
-- depends_on: {{ ref('fct_minute_live') }}
-- depends_on: {{ ref('fct_minute_count') }}
-- depends_on: {{ ref('fct_minute_plane') }}
-- depends_on: {{ ref('fct_minute_track') }}
-- depends_on: {{ ref('fct_plane_efficiency') }}
with

source_now as (
    select * from {{ ref('int_day_source') }}
    {{ where_day_todo('station_id', 'day') }}
),

final as (
    select
        station_id,
        day,
        file_id,
        lineage_id,
        is_superseded
    from source_now
)

select * from final
order by day, station_id, file_id
