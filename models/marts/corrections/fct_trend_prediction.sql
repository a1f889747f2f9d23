with

trend_fit as (
    select * from {{ ref('int_trend_fit') }}
),

hour as (
    select
        station_id,
        conf_number,
        held_out_start,
        unnest(bin_start) as bin_start,
        unnest(rate_pct) as rate_pct,
        unnest(prediction_pct) as prediction_pct
    from trend_fit
),

final as (
    select
        station_id,
        conf_number,
        bin_start,
        3600 as bin_width_s,
        rate_pct,
        prediction_pct,
        rate_pct - prediction_pct as residual_pct,
        bin_start >= held_out_start as is_held_out
    from hour
)

select * from final
