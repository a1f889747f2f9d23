{{ config(materialized='view') }}
with

network as (
    select * from {{ ref('fct_network') }}
    where bin_width_s = 3600
),

final as (
    select
        bin_start as time,
        bin_width_s,
        series_code,
        kind,
        value,
        unit,
        sigma,
        rel_pct,
        rel_sigma_pct,
        coverage
    from network
)

select * from final
