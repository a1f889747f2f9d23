-- Every range of the applied scope and every direction group has one applied coefficient, with its error and its source.
with

coefficient as (
    select * from {{ ref('fct_pressure_coefficient') }}
    where target_kind = 'station' and scope = '{{ var("pressure_applied_scope") }}'
),

counted as (
    select
        station_id,
        range_start,
        group_code,
        count(*) filter (
            where is_applied and applied_beta_pct_per_hpa is not null and applied_beta_sigma_pct_per_hpa > 0
        ) as n_applied
    from coefficient
    group by station_id, range_start, group_code
),

direction_group as (
    select distinct group_code from {{ ref('region_group') }}
),

expected as (
    select distinct
        coefficient.station_id,
        coefficient.range_start,
        direction_group.group_code
    from coefficient
    cross join direction_group
)

select *
from expected
left join counted using (station_id, range_start, group_code)
where coalesce(n_applied, 0) != 1
