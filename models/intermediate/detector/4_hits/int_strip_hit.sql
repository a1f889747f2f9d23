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
    {{ where_file_todo() }}
),

geometry as (
    select * from {{ ref('strip_geometry') }}
),

segment as (
    select * from {{ ref('int_tot_segment') }}
),

{# all that is known of a strip in a file; no constants where its calibration cannot be used #}
channel as (
    select
        parameter.file_id,
        geometry.plane,
        geometry.strip,
        cast(geometry.y_centre_mm as float) as y_centre_mm,
        cast(geometry.width_mm as float) as width_mm,
        parameter.strip_speed_mm_per_ns,
        parameter.t_dif_cal_max_ns,
        parameter.q_dif_cal_max_ns,
        parameter.q_sum_cal_min_ns,
        parameter.coincidence_cal_half_ns,
        calibration.* exclude (file_id, plane, strip),
        {{ half_sum('calibration.q_pedestal_front_ns', 'calibration.q_pedestal_back_ns') }} as q_sum_pedestal_ns,
        {{ half_difference('calibration.q_pedestal_front_ns', 'calibration.q_pedestal_back_ns') }} as q_dif_pedestal_ns
    from parameter
    cross join geometry
    left join calibration
        on
            parameter.file_id = calibration.file_id
            and geometry.plane = calibration.plane
            and geometry.strip = calibration.strip
),

calibrated as (
    select
        hit.event_number,
        channel.*,
        {{ half_sum('hit.t_front_ns', 'hit.t_back_ns') }} - channel.t_sum_offset_ns as t_sum_uncorrected_ns,
        {{ half_difference('hit.t_back_ns', 'hit.t_front_ns') }} - channel.t_dif_offset_ns as t_dif_ns,
        {{ half_sum('hit.q_front_ns', 'hit.q_back_ns') }} - channel.q_sum_pedestal_ns as q_sum_ns,
        {{ half_difference('hit.q_front_ns', 'hit.q_back_ns') }} - channel.q_dif_pedestal_ns as q_dif_uncorrected_ns
    from hit
    inner join channel
        on hit.file_id = channel.file_id and hit.plane = channel.plane and hit.strip = channel.strip
),

{# time and charge difference hang on the charge; bounds mark the strip, never a single value #}
checked as (
    select
        file_id,
        event_number,
        plane,
        strip,
        t_sum_uncorrected_ns - {{ slewing_correction('q_sum_ns', 'calibrated') }} as t_sum_ns,
        t_dif_ns,
        t_dif_ns * strip_speed_mm_per_ns as x_mm,
        q_sum_ns,
        q_dif_uncorrected_ns - {{ front_back_correction('q_sum_ns', 'calibrated') }} as q_dif_ns,
        y_centre_mm,
        width_mm,
        coincidence_cal_half_ns,
        {{ calibrated_charge_rank('q_sum_ns', 'plane', 'strip') }} as charge_rank,
        coalesce(q_sum_ns < crosstalk_limit_ns, false) as is_below_limit,
        if(q_sum_ns is null, 1, 0)
        + if(abs(t_dif_ns) > t_dif_cal_max_ns, 2, 0)
        + if(abs(q_dif_ns) > q_dif_cal_max_ns, 4, 0)
        + if(q_sum_ns < q_sum_cal_min_ns, 8, 0) as strip_reject_mask
    from calibrated
),

{# the time of an event is that of its largest charge #}
reference as (
    select
        file_id,
        event_number,
        max_by(t_sum_ns, charge_rank) as t_sum_ns
    from checked
    where strip_reject_mask = 0
    group by file_id, event_number
),

coincident as (
    select
        checked.*,
        checked.strip_reject_mask
        + if(abs(checked.t_sum_ns - reference.t_sum_ns) > checked.coincidence_cal_half_ns, 16, 0) as reject_mask
    from checked
    left join reference on checked.file_id = reference.file_id and checked.event_number = reference.event_number
),

{# a strip below its crosstalk limit counts only as the best of its plane, with none above its own limit beside it #}
best as (
    select
        file_id,
        event_number,
        plane,
        max(if(is_below_limit, charge_rank, 'infinity')) as charge_rank
    from coincident
    where reject_mask = 0
    group by file_id, event_number, plane
),

final as (
    select
        coincident.file_id,
        coincident.event_number,
        coincident.plane,
        coincident.strip,
        coincident.t_sum_ns,
        coincident.t_dif_ns,
        coincident.x_mm,
        coincident.q_sum_ns,
        coincident.q_dif_ns,
        cast({{ tot_charge_fc('coincident.q_sum_ns', 'segment') }} as float) as q_fc,
        coincident.q_sum_ns > 390 as is_charge_extrapolated,
        coincident.y_centre_mm,
        coincident.width_mm,
        coincident.is_below_limit,
        coincident.reject_mask,
        coincident.reject_mask = 0 and coincident.is_below_limit and coincident.charge_rank < best.charge_rank
            as is_crosstalk,
        coincident.reject_mask = 0 and not is_crosstalk as is_accepted
    from coincident
    left join best
        on
            coincident.file_id = best.file_id
            and coincident.event_number = best.event_number
            and coincident.plane = best.plane
    left join segment on {{ tot_segment('coincident.q_sum_ns') }} = segment.segment
)

select * from final
order by file_id, event_number, plane, strip
