-- The seed names the 25 regions, each once in every group it belongs to, and each as a group of its own.
with

region_group as (
    select * from {{ ref('region_group') }}
),

expected as (
    select unnest(['{{ region_codes() | join("', '") }}']) as region_code
),

counted as (
    select
        expected.region_code,
        count(*) filter (where region_group.group_code = 'all') as n_all,
        count(*) filter (where region_group.group_code = expected.region_code) as n_own,
        count(*) filter (where region_group.group_code in ('{{ direction_groups() | join("', '") }}')) as n_direction
    from expected
    left join region_group using (region_code)
    group by expected.region_code
)

select region_code
from counted
where n_all != 1 or n_own != 1 or n_direction != 1
union all
select region_code
from region_group
where region_code not in (select expected.region_code from expected)
