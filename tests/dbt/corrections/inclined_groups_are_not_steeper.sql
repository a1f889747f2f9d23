{{ config(severity='warn') }}
-- The coefficient falls with the zenith angle: a quadrant must not be stronger than the vertical by more than 3 sigma.
with

coefficient as (
    select * from {{ ref('fct_pressure_coefficient') }}
    where fit_status = 'ok' and scope != 'rolling'
),

vertical as (
    select
        station_id,
        scope,
        range_start,
        beta_pct_per_hpa as vertical_beta,
        beta_sigma_pct_per_hpa as vertical_sigma
    from coefficient
    where group_code = 'vert'
),

inclined as (
    select * from coefficient
    where group_code in ('south', 'east', 'north', 'west')
)

select inclined.*
from inclined
inner join vertical using (station_id, scope, range_start)
where
    abs(inclined.beta_pct_per_hpa) > abs(vertical.vertical_beta)
    + 3 * sqrt(pow(inclined.beta_sigma_pct_per_hpa, 2) + pow(vertical.vertical_sigma, 2))
