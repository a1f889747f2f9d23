{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ new_raw_file_hook() }}") }}

with

final as (
    select * from {{ ref('stg_raw_file') }}
)

select * from final
