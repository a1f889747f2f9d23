{{ config(severity='warn') }}
-- Fits that were refused as out of bounds, applied ones and those of neutron monitors outside what is usual.
with

coefficient as (
    select * from {{ ref('fct_pressure_coefficient') }}
    where is_applied or (target_kind = 'nm' and scope = 'config' and fit_status in ('ok', 'out_of_bounds'))
),

bound as (
    select
        case quantity when 'beta_pct_per_hpa' then 'station' else 'nm' end as target_kind,
        warn_low,
        warn_high
    from {{ ref('coefficient_bound') }}
    where quantity in ('beta_pct_per_hpa', 'nm_beta_pct_per_hpa')
)

select coefficient.*
from coefficient
inner join bound using (target_kind)
where
    coefficient.group_code = 'all'
    and (
        coefficient.fit_status = 'out_of_bounds'
        or coalesce(coefficient.applied_beta_pct_per_hpa, coefficient.beta_pct_per_hpa) < bound.warn_low
        or coalesce(coefficient.applied_beta_pct_per_hpa, coefficient.beta_pct_per_hpa) > bound.warn_high
    )
