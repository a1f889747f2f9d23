{%- set planes = [1, 2, 3, 4] %}

with

plane_hit as (
    select * from {{ ref('int_plane_hit') }}
    {{ where_in_run() }}
),

plane_set as (
    select * from {{ ref('int_plane_set') }}
    {{ where_in_run() }}
),

{# the planes of an event side by side, NULL where there is no hit: one row an event costs a fifth of a row a plane #}
event as (
    select
        file_id,
        event_number,
        {%- for plane in planes %}
            any_value(x_mm) filter (where plane = {{ plane }}) as x_{{ plane }},
            any_value(y_mm) filter (where plane = {{ plane }}) as y_{{ plane }},
            any_value(t_ns) filter (where plane = {{ plane }}) as t_{{ plane }},
            any_value(sigma_x_mm) filter (where plane = {{ plane }}) as x_sigma_{{ plane }},
            any_value(sigma_y_mm) filter (where plane = {{ plane }}) as y_sigma_{{ plane }},
            any_value(sigma_t_ns) filter (where plane = {{ plane }}) as t_sigma_{{ plane }},
        {%- endfor %}
        sum({{ plane_bit('plane') }}) as hit_mask
    from plane_hit
    group by file_id, event_number
    having count(*) >= 2
),

{# the planes that take part in each fit: all that were hit; of four also each three. The others weigh nothing. #}
fit_set as (
    select
        file_id,
        fit_mask,
        n_planes,
        {%- for plane in planes %}
            any_value(z_mm) filter (where plane = {{ plane }} and is_in_fit) as z_{{ plane }},
            any_value(leverage) filter (where plane = {{ plane }} and is_in_fit) as leverage_{{ plane }},
            any_value(slope_weight_per_mm) filter (where plane = {{ plane }} and is_in_fit) as slope_weight_{{ plane }},
            any_value(intercept_weight) filter (where plane = {{ plane }} and is_in_fit)
                as intercept_weight_{{ plane }},
        {%- endfor %}
        unnest(case when n_planes = 3 then [fit_mask, 15] else [fit_mask] end) as hit_mask
    from plane_set
    group by file_id, fit_mask, n_planes
),

line as (
    select
        event.*,
        fit_set.* exclude (file_id, hit_mask),
        {{ line_fit('x', planes) }},
        {{ line_fit('y', planes) }},
        {{ line_fit('t', planes) }}
    from event
    inner join fit_set on event.file_id = fit_set.file_id and event.hit_mask = fit_set.hit_mask
),

pull as (
    select
        {%- for plane in planes %}
            {{ line_residual('x', 'x_' ~ plane, 'z_' ~ plane) }} / x_sigma_{{ plane }} as x_pull_{{ plane }},
            {{ line_residual('y', 'y_' ~ plane, 'z_' ~ plane) }} / y_sigma_{{ plane }} as y_pull_{{ plane }},
            {{ line_residual('t', 't_' ~ plane, 'z_' ~ plane) }} / t_sigma_{{ plane }} as t_pull_{{ plane }},
            greatest(abs(x_pull_{{ plane }}), abs(y_pull_{{ plane }}), abs(t_pull_{{ plane }})) as pull_{{ plane }},
            {{ studentised('pull_' ~ plane, '1', 'leverage_' ~ plane) }} as studentised_{{ plane }},
        {%- endfor %}
        *
    from line
),

final as (
    select
        file_id,
        event_number,
        cast(fit_mask as tinyint) as fit_mask,
        n_planes,
        cast(hit_mask as tinyint) as hit_mask,
        {%- for name in ['x', 'y', 't'] %}
            {{ name }}_intercept,
            {{ name }}_slope,
            {{ name }}_intercept_variance,
            {{ name }}_slope_variance,
        {%- endfor %}
        {# a line through two points leaves no residual #}
        {%- set squares = [] %}
        {%- for plane in planes %}
            {%- do squares.append('coalesce(x_pull_N ** 2 + y_pull_N ** 2 + t_pull_N ** 2, 0)' | replace('N', plane)) %}
        {%- endfor %}
        if(n_planes > 2, {{ squares | join(' + ') }}, 0) as chi2,
        cast(3 * n_planes - 6 as tinyint) as ndf,
        if(n_planes > 2, greatest(studentised_1, studentised_2, studentised_3, studentised_4), null) as studentised_max,
        cast(
            case studentised_max
                {%- for plane in planes %}
                    when studentised_{{ plane }} then {{ plane }}
                {%- endfor %}
            end as tinyint
        ) as studentised_max_plane
    from pull
)

select * from final
