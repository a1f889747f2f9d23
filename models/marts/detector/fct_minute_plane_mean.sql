{{ config(materialized='view') }}

with

minute_plane as (
    select * from {{ ref('fct_minute_plane') }}
),

final as (
    select
        station_id,
        minute_start,
        plane,
        n_hits,
        100.0 * n_streamer / nullif(n_hits, 0) as streamer_pct,
        sum_n_strips / nullif(n_hits, 0) as mean_n_strips,
        sum_q_sum_ns / nullif(n_hits, 0) as mean_q_sum_ns,
        sum_q_fc / nullif(n_hits, 0) as mean_q_fc,
        n_pool,
        {{ efficiency('n_fired_list', 'n_pool') }} as efficiency_list,
        {{ efficiency_sigma('n_fired_list', 'n_pool') }} as efficiency_list_sigma,
        {{ efficiency('n_fired_clean', 'n_pool') }} as efficiency_clean,
        {{ efficiency_sigma('n_fired_clean', 'n_pool') }} as efficiency_clean_sigma
    from minute_plane
)

select * from final
