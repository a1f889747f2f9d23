with

final as (
    select
        nm_code,
        interval_start,
        resolution_s,
        rate_hz,
        fetched_at
    from {{ ref('stg_nmdb') }}
    where product = 'rate'
)

select * from final
