{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

hit as (
    select * from {{ ref('int_hit') }}
    {{ where_file_todo() }} and strip_state = 'two_ended' and trigger_type = 1
),

calibration as (
    select * from {{ ref('fct_calibration') }}
    {{ where_file_todo() }} and is_usable
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

geometry as (
    select * from {{ ref('strip_geometry') }}
),

segment as (
    select * from {{ ref('int_tot_segment') }}
),

calibrated as (
    select
        hit.file_id,
        hit.event_number,
        hit.plane,
        hit.strip,
        {{ half_difference('hit.t_back_ns', 'hit.t_front_ns') }} - cal.t_dif_offset_ns as t_dif_ns,
        {{ half_sum('hit.q_front_ns', 'hit.q_back_ns') }}
        - {{ half_sum('cal.q_pedestal_front_ns', 'cal.q_pedestal_back_ns') }} as q_sum_ns,
        {{ half_sum('hit.t_front_ns', 'hit.t_back_ns') }} - cal.t_sum_offset_ns
        - {{ slewing_correction('q_sum_ns', 'cal') }} as t_sum_ns,
        {{ half_difference('hit.q_front_ns', 'hit.q_back_ns') }}
        - {{ half_difference('cal.q_pedestal_front_ns', 'cal.q_pedestal_back_ns') }}
        - {{ front_back_correction('q_sum_ns', 'cal') }} as q_dif_ns,
        coalesce(q_sum_ns < cal.crosstalk_limit_ns, false) as is_below_limit
    from hit
    left join calibration as cal
        on hit.file_id = cal.file_id and hit.plane = cal.plane and hit.strip = cal.strip
),

bounded as (
    select
        calibrated.*,
        {{ calibrated_charge_rank('calibrated.q_sum_ns', 'calibrated.plane', 'calibrated.strip') }} as charge_rank,
        calibrated.t_dif_ns * parameter.strip_speed_mm_per_ns as x_mm,
        parameter.coincidence_cal_half_ns,
        if(calibrated.q_sum_ns is null, 1, 0)
        + if(abs(calibrated.t_dif_ns) > parameter.t_dif_cal_max_ns, 2, 0)
        + if(abs(calibrated.q_dif_ns) > parameter.q_dif_cal_max_ns, 4, 0)
        + if(calibrated.q_sum_ns < parameter.q_sum_cal_min_ns, 8, 0) as strip_reject_mask
    from calibrated
    inner join parameter on calibrated.file_id = parameter.file_id
),

reference as (
    select
        file_id,
        event_number,
        max_by(t_sum_ns, charge_rank) as t_sum_ns
    from bounded
    where strip_reject_mask = 0
    group by file_id, event_number
),

coincident as (
    select
        bounded.*,
        bounded.strip_reject_mask
        + if(abs(bounded.t_sum_ns - reference.t_sum_ns) > bounded.coincidence_cal_half_ns, 16, 0) as reject_mask
    from bounded
    left join reference on bounded.file_id = reference.file_id and bounded.event_number = reference.event_number
),

{# the largest charge of the plane, and whether any strip stands out of the crosstalk #}
plane_charge as (
    select
        file_id,
        event_number,
        plane,
        max(charge_rank) as charge_rank,
        not bool_and(is_below_limit) as has_strip_above_limit
    from coincident
    where reject_mask = 0
    group by file_id, event_number, plane
),

compared as (
    select
        coincident.*,
        coincident.reject_mask = 0 and coincident.is_below_limit
        and (plane_charge.has_strip_above_limit or coincident.charge_rank < plane_charge.charge_rank) as is_crosstalk
    from coincident
    left join plane_charge
        on
            coincident.file_id = plane_charge.file_id
            and coincident.event_number = plane_charge.event_number
            and coincident.plane = plane_charge.plane
),

final as (
    select
        compared.file_id,
        compared.event_number,
        compared.plane,
        compared.strip,
        cast(compared.t_sum_ns as float) as t_sum_ns,
        cast(compared.t_dif_ns as float) as t_dif_ns,
        cast(compared.x_mm as float) as x_mm,
        cast(compared.q_sum_ns as float) as q_sum_ns,
        cast(compared.q_dif_ns as float) as q_dif_ns,
        cast({{ tot_charge_fc('compared.q_sum_ns', 'segment') }} as float) as q_fc,
        compared.q_sum_ns > 390 as is_charge_extrapolated,
        geometry.y_centre_mm,
        geometry.width_mm,
        compared.is_below_limit,
        compared.reject_mask,
        compared.is_crosstalk,
        compared.reject_mask = 0 and not compared.is_crosstalk as is_accepted
    from compared
    inner join geometry on compared.plane = geometry.plane and compared.strip = geometry.strip
    left join segment on {{ tot_segment('compared.q_sum_ns') }} = segment.segment
)

select * from final
order by file_id, event_number, plane, strip
