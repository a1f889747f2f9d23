{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

file as (
    select * from {{ ref('dim_file') }}
    {{ where_file_todo() }}
),

plane_set as (
    select * from {{ ref('int_plane_set') }}
    {{ where_file_todo() }}
),

channel_status as (
    select * from {{ ref('fct_channel_status') }}
    {{ where_file_todo() }}
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

label as (
    select * from {{ ref('tt_label') }}
),

{# a plane is tested by events that all of `other_mask` have seen #}
method as (
    select
        listed.method,
        cast(listed.plane as tinyint) as plane,
        coalesce(listed.other_mask, 15 - {{ plane_bit('listed.plane') }}) as other_mask
    from (
        values
        {%- for plane in [1, 2, 3, 4] %}
        ('projection', {{ plane }}, null),
        ('ratio', {{ plane }}, null),
        {%- endfor %}
        ('ratio_123', 2, {{ 1 + 4 }}),
        ('ratio_234', 3, {{ 2 + 8 }})
    ) as listed (method, plane, other_mask)
),

file_trigger as (
    select
        file.file_id,
        label.plane_mask
    from file
    cross join
        lateral (
            values (file.trigger_1), (file.trigger_2), (file.trigger_3), (file.trigger_4)
        ) as listed (tt)
    inner join label on listed.tt = label.tt and label.n_planes > 0
),

{# without a trigger that asks nothing of the tested plane, only events in which it fired were ever written #}
triggered as (
    select
        file_trigger.file_id,
        method.method,
        method.plane,
        bool_or(file_trigger.plane_mask & method.other_mask = file_trigger.plane_mask) as is_unbiased
    from file_trigger
    cross join method
    group by file_trigger.file_id, method.method, method.plane
),

dead_plane as (
    select
        file_id,
        plane
    from channel_status
    group by file_id, plane
    having not bool_or(is_strip_usable)
),

{# the leverage of a plane outside the fit is the squared spread of the predicted point in units of one plane's error #}
fiducial as (
    select
        plane_set.file_id,
        plane_set.plane,
        sqrt(plane_set.leverage) as spread_factor,
        parameter.active_half_x_mm
        - parameter.fiducial_k
        * spread_factor
        * parameter.strip_speed_mm_per_ns
        * parameter.sigma_t_dif_ns as x_limit_mm,
        parameter.active_half_y_mm - parameter.fiducial_k * spread_factor * parameter.fiducial_sigma_y_mm as y_limit_mm
    from plane_set
    inner join parameter on plane_set.file_id = parameter.file_id
    where plane_set.n_planes = 3 and not plane_set.is_in_fit
),

final as (
    select
        file.file_id,
        file.station_id,
        method.method,
        method.plane,
        cast(method.other_mask as tinyint) as other_mask,
        fiducial.spread_factor,
        fiducial.x_limit_mm,
        fiducial.y_limit_mm,
        triggered.is_unbiased is not null as is_trigger_known,
        case
            when not triggered.is_unbiased then 'trigger_bias'
            when
                method.method = 'projection' and least(fiducial.x_limit_mm, fiducial.y_limit_mm) < 20
                then 'no_fiducial'
            when dead_plane.plane is not null then 'plane_dead'
        end as null_reason
    from file
    cross join method
    inner join fiducial on file.file_id = fiducial.file_id and method.plane = fiducial.plane
    left join triggered
        on
            file.file_id = triggered.file_id
            and method.method = triggered.method
            and method.plane = triggered.plane
    left join dead_plane on file.file_id = dead_plane.file_id and method.plane = dead_plane.plane
)

select * from final
order by file_id, method, plane
