{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

event as (
    select * from {{ ref('int_event_clean') }}
    {{ where_file_todo() }} and event_class = 'coincidence'
),

topology as (
    select * from {{ ref('int_event_topology') }}
    {{ where_file_todo() }}
),

{# to 1e-9 degrees, so that an angle on the limit of a region does not miss it by the last bit #}
track as (
    select
        *,
        round(degrees(theta_rad), 9) as theta_deg,
        round(degrees(phi_rad), 9) as phi_deg
    from {{ ref('int_track') }}
    {{ where_file_todo() }}
),

file as (
    select
        file_id,
        phi_north_deg
    from {{ ref('dim_file') }}
),

fiducial as (
    select
        file_id,
        event_number,
        bit_or({{ plane_bit('plane') }}) as fiducial_mask
    from {{ ref('int_track_plane') }}
    {{ where_file_todo() }} and is_in_fiducial
    group by file_id, event_number
),

directed as (
    select
        track.*,
        if(track.track_reject_mask = 0, track.plane_tt, 0) as fit_tt,
        {{ azimuth_deg('track.phi_deg', 'file.phi_north_deg') }} as azimuth_deg,
        if(
            track.track_reject_mask = 0,
            {{ region_code('ring.ring', 'ring.n_sectors', 'azimuth_deg') }},
            'none'
        ) as region_code
    from track
    {{ join_angular_ring('track.theta_deg') }}
    inner join file on track.file_id = file.file_id
),

{%- set fitted = [
    'x0_mm', 'y0_mm', 'x_slope', 'y_slope', 't0_ns', 't_slope_ns_per_mm', 'sigma_x0_mm', 'sigma_y0_mm', 'sigma_x_slope',
    'sigma_y_slope', 'sigma_t0_ns', 'sigma_t_slope_ns_per_mm', 'theta_rad', 'phi_rad',
] %}

final as (
    select
        event.file_id,
        event.event_number,
        event.station_id,
        event.event_time,
        date_trunc('minute', event.event_time) as minute_start,
        event.raw_tt,
        event.clean_tt,
        coalesce(topology.cal_tt, 0) as cal_tt,
        coalesce(topology.list_tt, 0) as list_tt,
        coalesce(directed.fit_tt, 0) as fit_tt,
        coalesce(topology.n_planes, 0) as n_planes,
        directed.removed_plane,
        {%- for column in fitted %}
            directed.{{ column }},
        {%- endfor %}
        {# pi further, wrapped to (-pi, pi] #}
        directed.phi_rad - if(directed.phi_rad > 0, pi(), -pi()) as phi_arrival_rad,
        directed.sigma_theta_rad,
        directed.sigma_phi_rad,
        directed.slowness_ns_per_mm,
        directed.sigma_slowness_ns_per_mm,
        if(
            abs(directed.slowness_ns_per_mm) >= 1e-6,
            1 / (directed.slowness_ns_per_mm * {{ speed_of_light_mm_per_ns() }}),
            null
        ) as beta,
        abs(beta) * directed.sigma_slowness_ns_per_mm / abs(directed.slowness_ns_per_mm) as sigma_beta,
        directed.chi2,
        directed.ndf,
        topology.q_sum_ns,
        topology.q_fc,
        coalesce(topology.n_streamer_planes, 0) as n_streamer_planes,
        coalesce(directed.track_reject_mask, 1) as track_reject_mask,
        coalesce(directed.track_reject_mask, 1) = 0 as is_track,
        coalesce(directed.region_code, 'none') as region_code,
        directed.azimuth_deg,
        cast(coalesce(fiducial.fiducial_mask, 0) as tinyint) as fiducial_mask
    from event
    left join topology on event.file_id = topology.file_id and event.event_number = topology.event_number
    left join directed on event.file_id = directed.file_id and event.event_number = directed.event_number
    left join fiducial on event.file_id = fiducial.file_id and event.event_number = fiducial.event_number
)

select * from final
order by file_id, event_number
