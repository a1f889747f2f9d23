{{ config(materialized='view') }}
with rate as (
    select * from {{ ref('fct_rate') }}
    where bin_width_s = 3600
),

final as (
    select
        bin_start as time,
        * exclude (bin_start)
    from rate
)

select * from final
