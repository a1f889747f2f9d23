{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ new_raw_file_hook() }}") }}

with

raw_file as (
    select * from {{ ref('stg_raw_file') }}
),

listed as (
    select unnest(getvariable('lake_raw_file'), recursive := true)
),

final as (
    select
        raw_file.*,
        listed.changed_at as lake_changed_at,
        listed.size_bytes as lake_size_bytes
    from raw_file
    inner join listed on raw_file.lake_path = listed.lake_path
)

select * from final
