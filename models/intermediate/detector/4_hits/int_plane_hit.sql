{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

{# the weight is double, so that the mean of one strip is exactly that strip #}
strip_hit as (
    select
        *,
        cast(q_fc as double) as weight
    from {{ ref('int_strip_hit') }}
    {{ where_file_todo() }}
),

{# strips of the plane that do not enter its hit #}
beside as (
    select
        file_id,
        event_number,
        plane,
        count(*) filter (where is_crosstalk) as n_crosstalk,
        count(*) filter (where not is_crosstalk) as n_one_ended
    from (
        select
            file_id,
            event_number,
            plane,
            true as is_crosstalk
        from strip_hit
        where is_crosstalk
        union all
        select
            file_id,
            event_number,
            plane,
            false as is_crosstalk
        from {{ ref('int_hit') }}
        {{ where_file_todo() }} and strip_state = 'one_ended' and trigger_type = 1
    ) as strip
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
        sum(weight * t_sum_ns) / sum(weight) as t_ns,
        sum(weight * x_mm) / sum(weight) as x_mm,
        sum(weight * y_centre_mm) / sum(weight) as y_mm,
        any_value(width_mm) as width_mm,
        sum(q_sum_ns) as q_sum_ns,
        sum(q_fc) as q_fc,
        count(*) as n_strips,
        bit_or(1 << (strip - 1)) as strip_mask,
        bool_and(is_below_limit) as is_low_charge
    from strip_hit
    where is_accepted
    group by file_id, event_number, plane
),

final as (
    select
        plane_hit.file_id,
        plane_hit.event_number,
        plane_hit.plane,
        cast(plane_hit.t_ns as float) as t_ns,
        cast(plane_hit.x_mm as float) as x_mm,
        cast(plane_hit.y_mm as float) as y_mm,
        cast(parameter.sigma_t_sum_ns as float) as sigma_t_ns,
        cast(parameter.strip_speed_mm_per_ns * parameter.sigma_t_dif_ns as float) as sigma_x_mm,
        cast(
            if(plane_hit.n_strips = 1, plane_hit.width_mm / sqrt(12), parameter.sigma_y_multi_mm) as float
        ) as sigma_y_mm,
        cast(
            plane_hit.y_mm + case
                when plane_hit.n_strips = 1
                    then
                        plane_hit.width_mm * (
                            {{ event_uniform('plane_hit.file_id', 'plane_hit.event_number', 'plane_hit.plane') }} - 0.5
                        )
                else 0
            end as float
        ) as y_map_mm,
        cast(plane_hit.q_sum_ns as float) as q_sum_ns,
        cast(plane_hit.q_fc as float) as q_fc,
        cast(plane_hit.n_strips as tinyint) as n_strips,
        {{ strip_pattern('plane_hit.strip_mask') }} as strip_pattern,
        {{ cluster_class('plane_hit.strip_mask') }} as cluster_class,
        plane_hit.q_sum_ns > parameter.streamer_limit_ns as is_streamer,
        plane_hit.is_low_charge,
        cast(coalesce(beside.n_crosstalk, 0) as tinyint) as n_crosstalk,
        cast(coalesce(beside.n_one_ended, 0) as tinyint) as n_one_ended
    from plane_hit
    inner join parameter on plane_hit.file_id = parameter.file_id
    left join beside
        on
            plane_hit.file_id = beside.file_id
            and plane_hit.event_number = beside.event_number
            and plane_hit.plane = beside.plane
)

select * from final
order by file_id, event_number, plane
