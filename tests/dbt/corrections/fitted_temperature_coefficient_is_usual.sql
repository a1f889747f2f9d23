{{ config(severity='warn') }}
-- Joint fits that were refused as out of bounds, and applied ones with a coefficient outside what is usual.
with

coefficient as (
    select * from {{ ref('fct_temperature_coefficient') }}
    where is_applied or fit_status = 'out_of_bounds'
),

bound as (
    select * from {{ ref('coefficient_bound') }}
)

select
    coefficient.*,
    bound.quantity
from coefficient
cross join bound
where
    {{ bounded_coefficient('coefficient', 'bound.quantity') }} < bound.warn_low
    or {{ bounded_coefficient('coefficient', 'bound.quantity') }} > bound.warn_high
