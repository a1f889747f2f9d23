{%- set lines = ['x', 'y', 't'] %}

with

plane_hit as (
    select
        file_id,
        event_number,
        plane,
        x_mm as x,
        y_mm as y,
        t_ns as t,
        sigma_x_mm as x_sigma,
        sigma_y_mm as y_sigma,
        sigma_t_ns as t_sigma
    from {{ ref('int_plane_hit') }}
    {{ where_in_run() }}
),

topology as (
    select
        file_id,
        event_number,
        hit_mask
    from {{ ref('int_event_topology') }}
    {{ where_in_run() }} and n_planes >= 2
),

{# on its own, else the planner multiplies events and fits before it looks for the hits, at a tenth more time #}
hit as materialized (
    select
        plane_hit.*,
        topology.hit_mask
    from plane_hit
    inner join topology on plane_hit.file_id = topology.file_id and plane_hit.event_number = topology.event_number
),

{# every event is fitted with all planes hit; of four planes also each three #}
fit_plane as (
    select
        *,
        unnest(if(n_planes = 3, [fit_mask, 15], [fit_mask])) as hit_mask
    from {{ ref('int_plane_set') }}
    {{ where_in_run() }} and is_in_fit
),

{# a row for each plane of each fit of each event #}
point as (
    select
        hit.*,
        fit_plane.fit_mask,
        fit_plane.n_planes,
        fit_plane.z_mm,
        fit_plane.intercept_weight,
        fit_plane.slope_weight_per_mm,
        fit_plane.leverage
    from hit
    inner join fit_plane
        on hit.file_id = fit_plane.file_id and hit.hit_mask = fit_plane.hit_mask and hit.plane = fit_plane.plane
),

line as (
    select
        {%- for u in lines %}
        {{ line_fit(u) }},
        {%- endfor %}
        file_id,
        event_number,
        fit_mask,
        n_planes,
        hit_mask
    from point
    group by file_id, event_number, fit_mask, n_planes, hit_mask
),

{# two points lie on their line, three or four tell how well they agree #}
pull as (
    select
        point.file_id,
        point.event_number,
        point.fit_mask,
        point.plane,
        {%- for u in lines %}
        (point.{{ u }} - {{ line_at('line.' ~ u, 'point.z_mm') }}) / point.{{ u }}_sigma as {{ u }}_pull,
        {%- endfor %}
        greatest(abs(x_pull), abs(y_pull), abs(t_pull)) as largest_pull,
        {{ studentised('largest_pull', 'point.leverage') }} as studentised
    from point
    inner join line
        on
            point.file_id = line.file_id
            and point.event_number = line.event_number
            and point.fit_mask = line.fit_mask
    where point.n_planes > 2 and line.n_planes > 2
),

agreement as (
    select
        file_id,
        event_number,
        fit_mask,
        sum({{ square('x_pull') }} + {{ square('y_pull') }} + {{ square('t_pull') }}) as chi2,
        max(studentised) as studentised_max,
        arg_max(plane, studentised) as studentised_max_plane
    from pull
    group by file_id, event_number, fit_mask
),

final as (
    select
        line.file_id,
        line.event_number,
        cast(line.fit_mask as tinyint) as fit_mask,
        line.n_planes,
        cast(line.hit_mask as tinyint) as hit_mask,
        {%- for u in lines %}
        line.{{ u }}_intercept,
        line.{{ u }}_slope,
        line.{{ u }}_intercept_variance,
        line.{{ u }}_slope_variance,
        {%- endfor %}
        coalesce(agreement.chi2, 0) as chi2,
        cast(3 * line.n_planes - 6 as tinyint) as ndf,
        agreement.studentised_max,
        agreement.studentised_max_plane
    from line
    left join agreement
        on
            line.file_id = agreement.file_id
            and line.event_number = agreement.event_number
            and line.fit_mask = agreement.fit_mask
)

select * from final
