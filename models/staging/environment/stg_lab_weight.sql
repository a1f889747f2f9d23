{{ config(materialized='table') }}

with

copies as (
    {{ lab_copies('lab_weight', ['bottle_weight_kg']) }}
),

final as (
    {{ lab_kept('copies') }}
)

select * from final
