{{ config(materialized='view') }}

with

todo as (
    select * from {{ ref('int_file_todo') }}
    where lake_path is not null
),

constant as (
    select
        file_id,
        plane,
        strip,
        max(value_ns) filter (where constant = 'q_pedestal_front') as q_pedestal_front_ns,
        max(value_ns) filter (where constant = 'q_pedestal_back') as q_pedestal_back_ns,
        max(value_ns) filter (where constant = 't_dif_offset') as t_dif_offset_ns
    from {{ ref('int_cal_channel_used') }}
    group by file_id, plane, strip
),

hit as (
    select *
    from {{ ref('int_hit') }}
    where
        file_id in (select todo.file_id from todo)
        and trigger_type = 1
        and strip_state = 'two_ended'
),

final as (
    select
        hit.file_id,
        hit.event_number,
        hit.plane,
        hit.strip,
        {{ half_sum('hit.t_front_ns', 'hit.t_back_ns') }} as t_sum_raw_ns,
        {{ half_difference('hit.t_back_ns', 'hit.t_front_ns') }} - constant.t_dif_offset_ns as t_dif_ns,
        {{ half_sum('hit.q_front_ns', 'hit.q_back_ns') }}
        - {{ half_sum('constant.q_pedestal_front_ns', 'constant.q_pedestal_back_ns') }} as q_sum_ns,
        {{ half_difference('hit.q_front_ns', 'hit.q_back_ns') }}
        - {{ half_difference('constant.q_pedestal_front_ns', 'constant.q_pedestal_back_ns') }} as q_dif_ns
    from hit
    inner join constant
        on hit.file_id = constant.file_id and hit.plane = constant.plane and hit.strip = constant.strip
)

select * from final
