{# Differences of the time sums of the strips with the largest charge in two planes, less the flight time of a particle
   along the straight line between them. #}
with

hit as (
    select * from {{ ref('int_cal_hit') }}
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

charge as (
    select * from {{ ref('int_cal_charge') }}
),

geometry as (
    select * from {{ ref('strip_geometry') }}
),

height as (
    select
        file_id,
        unnest([1, 2, 3, 4]) as plane,
        unnest([z_plane_1_mm, z_plane_2_mm, z_plane_3_mm, z_plane_4_mm]) as z_mm
    from {{ ref('dim_file') }}
    where file_id in (select parameter.file_id from parameter)
),

{# larger for the lower strip where two charges are equal #}
ranked as (
    select
        *,
        cast(round(q_sum_ns * 1e6) as bigint) * 8 - strip as charge_rank
    from hit
    where q_sum_ns is not null and t_dif_ns is not null
),

largest as (
    select
        file_id,
        event_number,
        {%- for column in ['strip', 'q_sum_ns', 't_sum_raw_ns', 't_dif_ns'] %}
        arg_max({{ column }}, charge_rank) as {{ column }},
        {%- endfor %}
        plane
    from ranked
    group by file_id, event_number, plane
),

strip as (
    select
        parameter.file_id,
        geometry.plane,
        geometry.strip,
        geometry.y_centre_mm as y_mm,
        height.z_mm,
        coalesce(charge.crosstalk_limit_ns, parameter.crosstalk_limit_max_ns) as limit_ns,
        parameter.t_dif_cal_max_ns,
        parameter.strip_speed_mm_per_ns,
        {{ speed_of_light_mm_per_ns() }} * parameter.link_beta as speed_mm_per_ns,
        parameter.link_bin_ns,
        parameter.link_window_first_ns
    from parameter
    cross join geometry
    inner join height on parameter.file_id = height.file_id and geometry.plane = height.plane
    left join charge
        on
            parameter.file_id = charge.file_id
            and geometry.plane = charge.plane
            and geometry.strip = charge.strip
),

point as (
    select
        largest.file_id,
        largest.event_number,
        largest.plane,
        largest.strip,
        largest.t_sum_raw_ns as t_sum_ns,
        strip.strip_speed_mm_per_ns * largest.t_dif_ns as x_mm,
        strip.y_mm,
        strip.z_mm,
        strip.speed_mm_per_ns,
        strip.link_bin_ns,
        strip.link_window_first_ns
    from largest
    inner join strip
        on largest.file_id = strip.file_id and largest.plane = strip.plane and largest.strip = strip.strip
    where largest.q_sum_ns >= strip.limit_ns and abs(largest.t_dif_ns) <= strip.t_dif_cal_max_ns
),

pair as (
    select
        upper.file_id,
        upper.plane as plane_a,
        upper.strip as strip_a,
        lower.plane as plane_b,
        lower.strip as strip_b,
        upper.link_bin_ns,
        upper.link_window_first_ns,
        lower.t_sum_ns - upper.t_sum_ns
        - sqrt((lower.x_mm - upper.x_mm) ** 2 + (lower.y_mm - upper.y_mm) ** 2 + (lower.z_mm - upper.z_mm) ** 2)
        / upper.speed_mm_per_ns as difference_ns
    from point as upper
    inner join point as lower
        on upper.file_id = lower.file_id and upper.event_number = lower.event_number and upper.plane < lower.plane
),

final as (
    select
        file_id,
        plane_a,
        strip_a,
        plane_b,
        strip_b,
        cast(floor(difference_ns / link_bin_ns) as integer) as bin_index,
        count(*) as n
    from pair
    where abs(difference_ns) < link_window_first_ns
    group by file_id, plane_a, strip_a, plane_b, strip_b, bin_index
)

select * from final
