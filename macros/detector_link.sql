{# Pairs of strips that a particle links. CTEs, the last of which is `pair`: one row an event and pair of planes, for
   the files that fulfil `condition` on `parameter` (int_file_parameter).

   In each plane the strip with the largest charge stands for the particle, if it is no crosstalk and its time
   difference lies on the strip. `difference_ns` is the difference of the time sums, lower plane minus upper one, less the flight
   time along the straight line between the two points: what is left are the offsets of the two strips. #}
{% macro link_pairs(condition='true') %}
parameter as (
    select * from {{ ref('int_file_parameter') }}
    where {{ condition }}
),

{# a strip of equal charge is larger when its number is lower #}
hit as (
    select
        *,
        cast(round(q_sum_ns * 1e6) as bigint) * 8 - strip as charge_rank
    from {{ ref('int_cal_hit') }}
    where file_id in (select parameter.file_id from parameter) and q_sum_ns is not null and t_dif_ns is not null
),

height as (
    select
        file_id,
        unnest([1, 2, 3, 4]) as plane,
        unnest([z_plane_1_mm, z_plane_2_mm, z_plane_3_mm, z_plane_4_mm]) as z_mm
    from {{ ref('dim_file') }}
    where file_id in (select parameter.file_id from parameter)
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
        {{ speed_of_light_mm_per_ns() }} * parameter.link_beta as speed_mm_per_ns
    from parameter
    cross join {{ ref('strip_geometry') }} as geometry
    inner join height on parameter.file_id = height.file_id and geometry.plane = height.plane
    left join {{ ref('int_cal_charge') }} as charge
        on
            parameter.file_id = charge.file_id
            and geometry.plane = charge.plane
            and geometry.strip = charge.strip
),

largest as (
    select
        file_id,
        event_number,
        {%- for column in ['strip', 'q_sum_ns', 't_sum_raw_ns', 't_dif_ns'] %}
        arg_max({{ column }}, charge_rank) as {{ column }},
        {%- endfor %}
        plane
    from hit
    group by file_id, event_number, plane
),

point as (
    select
        largest.file_id,
        largest.event_number,
        largest.plane,
        largest.strip,
        largest.q_sum_ns,
        largest.t_sum_raw_ns as t_sum_ns,
        strip.strip_speed_mm_per_ns * largest.t_dif_ns as x_mm,
        strip.y_mm,
        strip.z_mm,
        strip.speed_mm_per_ns
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
        upper.q_sum_ns as q_sum_a_ns,
        lower.q_sum_ns as q_sum_b_ns,
        lower.t_sum_ns - upper.t_sum_ns
        - sqrt((lower.x_mm - upper.x_mm) ** 2 + (lower.y_mm - upper.y_mm) ** 2 + (lower.z_mm - upper.z_mm) ** 2)
        / upper.speed_mm_per_ns as difference_ns
    from point as upper
    inner join point as lower
        on upper.file_id = lower.file_id and upper.event_number = lower.event_number and upper.plane < lower.plane
)
{%- endmacro %}

{# Logarithm of a charge (pulse width, ns) that the time walk of the discriminators is taken linear in. #}
{% macro slewing_variable(q) -%}
    ln(1 + greatest({{ q }}, 0))
{%- endmacro %}

{# Time walk of a strip at a charge, ns: slope times distance from the reference, held constant outside the charges it
   was fitted on. 0 without a slope. #}
{% macro slewing_correction(q, cal) -%}
    if(
            {{ cal }}.t_slew_ns is null,
            0,
            {{ cal }}.t_slew_ns
            * (
                least(greatest({{ slewing_variable(q) }}, {{ cal }}.t_slew_low), {{ cal }}.t_slew_high)
                - {{ cal }}.t_slew_ref
            )
        )
{%- endmacro %}
