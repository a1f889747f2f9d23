{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

strip_hit as (
    select * from {{ ref('int_strip_hit') }}
    {{ where_file_todo() }}
),

one_ended as (
    select
        file_id,
        event_number,
        plane,
        count(*) as n_one_ended
    from {{ ref('int_hit') }}
    {{ where_file_todo() }} and strip_state = 'one_ended'
    group by file_id, event_number, plane
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

{# weighted with the charge in fC: closer to the true point than weights in ns #}
plane_hit as (
    select
        file_id,
        event_number,
        plane,
        any_value(event_time) as event_time,
        sum(q_fc * t_sum_ns) filter (where is_accepted) / sum(q_fc) filter (where is_accepted) as t_ns,
        sum(q_fc * x_mm) filter (where is_accepted) / sum(q_fc) filter (where is_accepted) as x_mm,
        sum(q_fc * y_centre_mm) filter (where is_accepted) / sum(q_fc) filter (where is_accepted) as y_mm,
        any_value(width_mm) filter (where is_accepted) as width_mm,
        sum(q_sum_ns) filter (where is_accepted) as q_sum_ns,
        sum(q_fc) filter (where is_accepted) as q_fc,
        cast(count(*) filter (where is_accepted) as tinyint) as n_strips,
        bit_or(1 << (strip - 1)) filter (where is_accepted) as strip_mask,
        bool_and(is_below_limit) filter (where is_accepted) as is_low_charge,
        cast(count(*) filter (where is_crosstalk) as tinyint) as n_crosstalk
    from strip_hit
    group by file_id, event_number, plane
    having bool_or(is_accepted)
),

final as (
    select
        plane_hit.file_id,
        plane_hit.event_number,
        plane_hit.event_time,
        plane_hit.plane,
        plane_hit.t_ns,
        plane_hit.x_mm,
        plane_hit.y_mm,
        parameter.sigma_t_sum_ns as sigma_t_ns,
        parameter.strip_speed_mm_per_ns * parameter.sigma_t_dif_ns as sigma_x_mm,
        if(plane_hit.n_strips = 1, plane_hit.width_mm / sqrt(12), parameter.sigma_y_multi_mm) as sigma_y_mm,
        if(
            plane_hit.n_strips = 1,
            plane_hit.y_mm + plane_hit.width_mm * (
                {{ event_uniform('plane_hit.file_id', 'plane_hit.event_number', 'plane_hit.plane') }} - 0.5
            ),
            plane_hit.y_mm
        ) as y_map_mm,
        plane_hit.q_sum_ns,
        plane_hit.q_fc,
        plane_hit.n_strips,
        {{ strip_pattern('plane_hit.strip_mask') }} as strip_pattern,
        {{ cluster_class('plane_hit.strip_mask') }} as cluster_class,
        plane_hit.q_sum_ns > parameter.streamer_limit_ns as is_streamer,
        plane_hit.is_low_charge,
        plane_hit.n_crosstalk,
        cast(coalesce(one_ended.n_one_ended, 0) as tinyint) as n_one_ended
    from plane_hit
    inner join parameter on plane_hit.file_id = parameter.file_id
    left join one_ended
        on
            plane_hit.file_id = one_ended.file_id
            and plane_hit.event_number = one_ended.event_number
            and plane_hit.plane = one_ended.plane
)

select * from final
order by file_id, event_number, plane
