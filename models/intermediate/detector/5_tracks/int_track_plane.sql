{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}
{%- set lines = {'x': 'mm', 'y': 'mm', 't': 'ns'} %}

with

fit as (
    select * from {{ ref('int_track_fit') }}
    {{ where_file_todo() }}
),

plane_hit as (
    select * from {{ ref('int_plane_hit') }}
    {{ where_file_todo() }}
),

plane_set as (
    select * from {{ ref('int_plane_set') }}
    {{ where_file_todo() }}
),

rule as (
    select * from {{ ref('int_plane_pool_rule') }}
    {{ where_file_todo() }} and method = 'projection'
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

all_planes_fit as (
    select * from fit
    where fit_mask = hit_mask
),

{# what each plane says against the fit of all planes hit: nothing where only two were, or the plane alone #}
residual as (
    select
        {%- for u, unit in lines.items() %}
        plane_hit.{{ u }}_{{ unit }},
        plane_hit.{{ u }}_{{ unit }} - {{ line_at('fit.' ~ u, 'plane_set.z_mm') }} as residual_{{ u }}_{{ unit }},
        {{ leave_one_out('residual_' ~ u ~ '_' ~ unit, 'plane_set.leverage') }} as loo_{{ u }}_{{ unit }},
        {%- endfor %}
        plane_hit.file_id,
        plane_hit.event_number,
        plane_hit.plane,
        plane_set.leverage
    from plane_hit
    left join all_planes_fit as fit
        on plane_hit.file_id = fit.file_id and plane_hit.event_number = fit.event_number
    left join plane_set
        on fit.file_id = plane_set.file_id and fit.fit_mask = plane_set.fit_mask and plane_hit.plane = plane_set.plane
),

{# every fit of three planes tests the fourth, hit or not #}
tested as (
    select
        {%- for u, unit in lines.items() %}
        {{ line_at('fit.' ~ u, 'plane_set.z_mm') }} as {{ u }}_pred_{{ unit }},
        {%- endfor %}
        fit.file_id,
        fit.event_number,
        plane_set.plane,
        fit.chi2 as chi2_without,
        fit.chi2 / fit.ndf <= parameter.fiducial_chi2_ndf_max
        and abs(x_pred_mm) <= rule.x_limit_mm
        and abs(y_pred_mm) <= rule.y_limit_mm
        and coalesce(rule.null_reason not in ('trigger_bias', 'no_fiducial'), true) as is_in_fiducial
    from fit
    inner join plane_set
        on fit.file_id = plane_set.file_id and fit.fit_mask = plane_set.fit_mask and not plane_set.is_in_fit
    inner join rule on fit.file_id = rule.file_id and plane_set.plane = rule.plane
    inner join parameter on fit.file_id = parameter.file_id
    where fit.n_planes = 3
),

final as (
    select
        coalesce(residual.file_id, tested.file_id) as file_id,
        coalesce(residual.event_number, tested.event_number) as event_number,
        coalesce(residual.plane, tested.plane) as plane,
        residual.file_id is not null as is_hit,
        {%- for u, unit in lines.items() %}
        coalesce(tested.{{ u }}_pred_{{ unit }}, residual.{{ u }}_{{ unit }} - residual.loo_{{ u }}_{{ unit }})
            as {{ u }}_pred_{{ unit }},
        residual.residual_{{ u }}_{{ unit }},
        residual.loo_{{ u }}_{{ unit }},
        {%- endfor %}
        residual.leverage,
        tested.chi2_without,
        coalesce(tested.is_in_fiducial, false) as is_in_fiducial
    from residual
    full join tested
        on
            residual.file_id = tested.file_id
            and residual.event_number = tested.event_number
            and residual.plane = tested.plane
)

select * from final
order by file_id, event_number, plane
