{#- Corrected rates of the stations and rates of the neutron monitors, side by side in long form. -#}
with

corrected as (
    select * from {{ ref('large_corrected_table') }}
),

primary_bin as (
    select * from {{ ref('fct_primary') }}
),

-- N counts in T seconds have the error sqrt(N) / T
monitor as (
    select
        *,
        sqrt(rate_hz / counted_s) as sigma_hz
    from primary_bin
),

final as (
    select
        bin_start,
        bin_width_s,
        station_code as series_code,
        'station' as kind,
        rate_final_hz as value,
        'Hz' as unit,
        rate_final_sigma_hz as sigma,
        rate_norm_pct as rel_pct,
        rate_norm_sigma_pct as rel_sigma_pct,
        coverage
    from corrected
    union all
    select
        bin_start,
        bin_width_s,
        nm_code as series_code,
        'nm' as kind,
        rate_hz as value,
        'Hz' as unit,
        sigma_hz as sigma,
        rel_pct,
        sigma_hz / rate_hz * (100 + rel_pct) as rel_sigma_pct,
        least(counted_s / bin_width_s, 1) as coverage
    from monitor
)

select * from final
