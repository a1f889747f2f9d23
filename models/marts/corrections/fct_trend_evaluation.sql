with

trend_fit as (
    select * from {{ ref('int_trend_fit') }}
),

final as (
    select * exclude (bin_start, rate_pct, prediction_pct)
    from trend_fit
)

select * from final
