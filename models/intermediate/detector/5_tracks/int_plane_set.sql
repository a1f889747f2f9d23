with

file as (
    select * from {{ ref('dim_file') }}
    {{ where_in_run() }}
),

label as (
    select * from {{ ref('tt_label') }}
),

plane as (
    select
        file.file_id,
        height.plane,
        height.z_mm
    from file
    cross join lateral (
        values
        {%- for plane in [1, 2, 3, 4] %}
        (cast({{ plane }} as tinyint), file.z_plane_{{ plane }}_mm){{ ',' if not loop.last }}
        {%- endfor %}
    ) as height (plane, z_mm)
),

{# every set of two to four planes, with the sums over the planes in it #}
plane_set as (
    select
        plane.file_id,
        label.plane_mask as fit_mask,
        label.n_planes,
        avg(plane.z_mm) as z_mean_mm,
        var_pop(plane.z_mm) * label.n_planes as s_zz_mm2
    from plane
    inner join label on {{ mask_has_plane('label.plane_mask', 'plane.plane') }} and label.n_planes >= 2
    group by plane.file_id, label.plane_mask, label.n_planes
),

final as (
    select
        plane_set.file_id,
        cast(plane_set.fit_mask as tinyint) as fit_mask,
        cast(plane_set.n_planes as tinyint) as n_planes,
        plane.plane,
        plane.z_mm,
        {{ mask_has_plane('plane_set.fit_mask', 'plane.plane') }} as is_in_fit,
        {{ line_weights('plane.z_mm', 'plane_set.z_mean_mm', 'plane_set.s_zz_mm2', 'plane_set.n_planes') }}
    from plane_set
    inner join plane on plane_set.file_id = plane.file_id
)

select * from final
order by file_id, fit_mask, plane
