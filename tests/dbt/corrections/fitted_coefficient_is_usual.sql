{{ config(severity='warn') }}
-- Fits that were refused as out of bounds, and applied fits outside what is usual.
with

coefficient as (
    select * from {{ ref('fct_pressure_coefficient') }}
),

bound as (
    select * from {{ ref('coefficient_bound') }}
    where quantity = 'beta_pct_per_hpa'
)

select coefficient.*
from coefficient
inner join bound using (group_code)
where
    coefficient.is_applied
    and (
        coefficient.fit_status = 'out_of_bounds'
        or coefficient.applied_beta_pct_per_hpa < bound.warn_low
        or coefficient.applied_beta_pct_per_hpa > bound.warn_high
    )
