with

plane_hit as (
    select * from {{ ref('int_plane_hit') }}
    {{ where_in_run() }}
),

topology as (
    select * from {{ ref('int_event_topology') }}
    {{ where_in_run() }} and n_planes >= 2
),

{# the planes that take part in each fit: all that were hit; of four also each three #}
fit_plane as (
    select
        *,
        unnest(case when n_planes = 3 then [fit_mask, 15] else [fit_mask] end) as hit_mask
    from {{ ref('int_plane_set') }}
    {{ where_in_run() }} and is_in_fit
),

measured as (
    select
        plane_hit.file_id,
        plane_hit.event_number,
        fit_plane.fit_mask,
        fit_plane.n_planes,
        topology.hit_mask,
        plane_hit.plane,
        plane_hit.x_mm,
        plane_hit.y_mm,
        plane_hit.t_ns,
        plane_hit.sigma_x_mm,
        plane_hit.sigma_y_mm,
        plane_hit.sigma_t_ns,
        fit_plane.z_mm,
        fit_plane.slope_weight_per_mm,
        fit_plane.intercept_weight,
        fit_plane.leverage
    from plane_hit
    inner join topology on plane_hit.file_id = topology.file_id and plane_hit.event_number = topology.event_number
    inner join fit_plane
        on
            topology.file_id = fit_plane.file_id
            and topology.hit_mask = fit_plane.hit_mask
            and plane_hit.plane = fit_plane.plane
),

line as (
    select
        file_id,
        event_number,
        fit_mask,
        any_value(n_planes) as n_planes,
        any_value(hit_mask) as hit_mask,
        {{ line_fit('x', 'x_mm', 'sigma_x_mm', 'intercept_weight', 'slope_weight_per_mm') }},
        {{ line_fit('y', 'y_mm', 'sigma_y_mm', 'intercept_weight', 'slope_weight_per_mm') }},
        {{ line_fit('t', 't_ns', 'sigma_t_ns', 'intercept_weight', 'slope_weight_per_mm') }}
    from measured
    group by file_id, event_number, fit_mask
),

{# a line through two points leaves no residual #}
residual as (
    select
        measured.file_id,
        measured.event_number,
        measured.fit_mask,
        measured.plane,
        {{ line_residual('x', 'measured.x_mm', 'measured.z_mm') }} / measured.sigma_x_mm as x_pull,
        {{ line_residual('y', 'measured.y_mm', 'measured.z_mm') }} / measured.sigma_y_mm as y_pull,
        {{ line_residual('t', 'measured.t_ns', 'measured.z_mm') }} / measured.sigma_t_ns as t_pull,
        {{ studentised('greatest(abs(x_pull), abs(y_pull), abs(t_pull))', '1', 'measured.leverage') }} as studentised
    from measured
    inner join line
        on
            measured.file_id = line.file_id
            and measured.event_number = line.event_number
            and measured.fit_mask = line.fit_mask
    where measured.n_planes > 2
),

goodness as (
    select
        file_id,
        event_number,
        fit_mask,
        sum(x_pull ** 2 + y_pull ** 2 + t_pull ** 2) as chi2,
        max(studentised) as studentised_max,
        max_by(plane, studentised) as studentised_max_plane
    from residual
    group by file_id, event_number, fit_mask
),

final as (
    select
        line.*,
        coalesce(goodness.chi2, 0) as chi2,
        cast(3 * line.n_planes - 6 as tinyint) as ndf,
        goodness.studentised_max,
        goodness.studentised_max_plane
    from line
    left join goodness
        on
            line.file_id = goodness.file_id
            and line.event_number = goodness.event_number
            and line.fit_mask = goodness.fit_mask
)

select * from final
order by file_id, event_number, fit_mask
