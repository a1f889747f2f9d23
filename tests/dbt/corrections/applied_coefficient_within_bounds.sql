-- An applied coefficient of all directions lies within the error bounds of published measurements.
with

coefficient as (
    select * from {{ ref('fct_pressure_coefficient') }}
    where is_applied
),

bound as (
    select * from {{ ref('coefficient_bound') }}
    where quantity = 'beta_pct_per_hpa'
)

select coefficient.*
from coefficient
inner join bound using (group_code)
where
    coefficient.applied_beta_pct_per_hpa < bound.error_low
    or coefficient.applied_beta_pct_per_hpa > bound.error_high
