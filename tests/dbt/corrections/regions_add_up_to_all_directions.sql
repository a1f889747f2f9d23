-- The rates of the 25 regions add up to that of all directions: they share counts, live time and efficiency.
with

rate as (
    select * from {{ ref('fct_rate') }}
    where rate_eff_hz is not null
),

summed as (
    select
        station_id,
        bin_start,
        bin_width_s,
        max(rate_eff_hz) filter (where group_code = 'all') as all_hz,
        sum(rate_eff_hz) filter (where group_code in ('{{ region_codes() | join("', '") }}')) as regions_hz
    from rate
    group by station_id, bin_start, bin_width_s
)

select *
from summed
where not coalesce(abs(regions_hz - all_hz) <= 1e-9 * all_hz, false)
