with

strip_hit as (
    select * from {{ ref('int_strip_hit') }}
    {{ where_in_run() }}
),

plane_hit as (
    select * from {{ ref('int_plane_hit') }}
    {{ where_in_run() }}
),

calibrated as (
    select
        file_id,
        event_number,
        coalesce(bit_or({{ plane_bit('plane') }}) filter (where reject_mask & 15 = 0), 0) as plane_mask
    from strip_hit
    group by file_id, event_number
),

hit as (
    select
        file_id,
        event_number,
        bit_or({{ plane_bit('plane') }}) as plane_mask,
        count(*) as n_planes,
        sum(q_sum_ns) as q_sum_ns,
        sum(q_fc) as q_fc,
        count(*) filter (where is_streamer) as n_streamer_planes
    from plane_hit
    group by file_id, event_number
),

final as (
    select
        calibrated.file_id,
        calibrated.event_number,
        {{ plane_pattern('calibrated.plane_mask') }} as cal_tt,
        {{ plane_pattern('coalesce(hit.plane_mask, 0)') }} as list_tt,
        cast(coalesce(hit.plane_mask, 0) as tinyint) as hit_mask,
        cast(coalesce(hit.n_planes, 0) as tinyint) as n_planes,
        hit.q_sum_ns,
        hit.q_fc,
        cast(coalesce(hit.n_streamer_planes, 0) as tinyint) as n_streamer_planes
    from calibrated
    left join hit on calibrated.file_id = hit.file_id and calibrated.event_number = hit.event_number
)

select * from final
order by file_id, event_number
