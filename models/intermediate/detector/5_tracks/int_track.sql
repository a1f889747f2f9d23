{{ config(materialized='view') }}

with

fit as (
    select * from {{ ref('int_track_fit') }}
    {{ where_in_run() }}
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

label as (
    select * from {{ ref('tt_label') }}
),

{# of four planes one may be wrong: it is left out where it stands out and the other three agree #}
replacement as (
    select
        fit.file_id,
        fit.event_number,
        fit.studentised_max_plane as removed_plane,
        other.fit_mask
    from fit
    inner join parameter on fit.file_id = parameter.file_id
    inner join fit as other
        on
            fit.file_id = other.file_id
            and fit.event_number = other.event_number
            and fit.fit_mask - {{ plane_bit('fit.studentised_max_plane') }} = other.fit_mask
    where
        fit.n_planes = 4
        and fit.studentised_max > parameter.track_studentised_max
        and other.chi2 / other.ndf <= parameter.track_chi2_ndf_max
),

chosen as (
    select
        fit.*,
        replacement.removed_plane,
        {{ path_per_height('fit.x_slope', 'fit.y_slope') }} as path_per_height,
        fit.t_slope / path_per_height as slowness
    from fit
    left join replacement on fit.file_id = replacement.file_id and fit.event_number = replacement.event_number
    where fit.fit_mask = coalesce(replacement.fit_mask, fit.hit_mask)
),

{%- set slopes = ['chosen.x_slope', 'chosen.y_slope', 'chosen.x_slope_variance', 'chosen.y_slope_variance'] %}

final as (
    select
        chosen.file_id,
        chosen.event_number,
        label.tt as plane_tt,
        chosen.removed_plane,
        chosen.x_intercept as x0_mm,
        chosen.y_intercept as y0_mm,
        chosen.x_slope,
        chosen.y_slope,
        {# at the middle of the strip the signal has travelled half its length #}
        chosen.t_intercept - parameter.strip_length_mm / (2 * parameter.strip_speed_mm_per_ns) as t0_ns,
        chosen.t_slope as t_slope_ns_per_mm,
        sqrt(chosen.x_intercept_variance) as sigma_x0_mm,
        sqrt(chosen.y_intercept_variance) as sigma_y0_mm,
        sqrt(chosen.x_slope_variance) as sigma_x_slope,
        sqrt(chosen.y_slope_variance) as sigma_y_slope,
        sqrt(chosen.t_intercept_variance) as sigma_t0_ns,
        sqrt(chosen.t_slope_variance) as sigma_t_slope_ns_per_mm,
        acos(1 / chosen.path_per_height) as theta_rad,
        atan2(chosen.y_slope, chosen.x_slope) as phi_rad,
        sqrt({{ theta_variance(*slopes) }}) as sigma_theta_rad,
        sqrt({{ phi_variance(*slopes) }}) as sigma_phi_rad,
        chosen.slowness as slowness_ns_per_mm,
        sqrt({{ slowness_variance(*slopes, slowness='chosen.slowness', t_slope_variance='chosen.t_slope_variance') }})
            as sigma_slowness_ns_per_mm,
        chosen.chi2,
        chosen.ndf,
        if(greatest(abs(x0_mm), abs(y0_mm)) > parameter.track_pos_max_mm, 2, 0)
        + if(greatest(abs(chosen.x_slope), abs(chosen.y_slope)) > parameter.track_slope_max, 4, 0)
        + if(
            chosen.slowness
            not between parameter.track_slowness_min_ns_per_mm and parameter.track_slowness_max_ns_per_mm, 8, 0
        )
        + if(chosen.ndf > 0 and chosen.chi2 > parameter.track_chi2_ndf_max * chosen.ndf, 16, 0) as track_reject_mask
    from chosen
    inner join parameter on chosen.file_id = parameter.file_id
    inner join label on chosen.fit_mask = label.plane_mask
)

select * from final
