{{ config(materialized='view') }}
{#- Telescope counts of the 31 direction groups in every bin with live time. A region without events counts zero. -#}
with

bin_count as (
    select * from {{ ref('int_bin_count') }}
    where live_s > 0
),

bin_region as (
    select * from {{ ref('int_bin_region') }}
),

region_group as (
    select * from {{ ref('region_group') }}
),

direction_group as (
    select distinct group_code from region_group
),

group_sum as (
    select
        bin_region.station_id,
        bin_region.bin_start,
        bin_region.bin_width_s,
        region_group.group_code,
        sum(bin_region.n_tel) as n_tel
    from bin_region
    inner join region_group using (region_code)
    group by all
),

final as (
    select
        bin_count.station_id,
        bin_count.bin_start,
        bin_count.bin_width_s,
        direction_group.group_code,
        bin_count.conf_number,
        bin_count.live_s,
        bin_count.is_usable,
        cast(coalesce(group_sum.n_tel, 0) as double) as n_tel
    from bin_count
    cross join direction_group
    left join group_sum using (station_id, bin_start, bin_width_s, group_code)
)

select * from final
