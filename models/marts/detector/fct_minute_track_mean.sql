{{ config(materialized='view') }}

with

minute_track as (
    select * from {{ ref('fct_minute_track') }}
),

final as (
    select
        station_id,
        minute_start,
        n_tracks,
        {%- for name in track_quantities() %}
        {{ mean_of_sums(name) }} as mean_{{ name }},
        {{ deviation_of_sums(name) }} as std_{{ name }},
        {%- endfor %}
        {# -179 and 179 degrees are neighbours: the mean of directions, not of angles (K. V. Mardia, Statistics of
           Directional Data, 1972) #}
        sqrt(sum_cos_phi ** 2 + sum_sin_phi ** 2) / nullif(n_tracks, 0) as phi_concentration,
        if(phi_concentration > 1e-9, atan2(sum_sin_phi, sum_cos_phi), null) as mean_phi_rad,
        if(phi_concentration > 1e-9, sqrt(-2 * ln(least(phi_concentration, 1))), null) as std_phi_rad
    from minute_track
)

select * from final
