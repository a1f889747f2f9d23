{# Choice of the calibration constants a file uses, from its own fits and those of its neighbours. #}

{# The constants of a pass and the parameter that holds the smallest tolerance of their outlier guard; none: no guard. #}
{% macro channel_constants() -%}
    {{- return({
        'q_pedestal_front': 'outlier_q_ns',
        'q_pedestal_back': 'outlier_q_ns',
        't_dif_offset': 'outlier_t_dif_ns',
    }) -}}
{%- endmacro %}

{% macro strip_constants() -%}
    {{- return({
        't_sum_offset': 'outlier_t_sum_ns',
        'crosstalk_mu': none,
        'crosstalk_sigma': none,
        't_slew': none,
        't_slew_ref': none,
        't_slew_low': none,
        't_slew_high': none,
    }) -}}
{%- endmacro %}

{# Column of a constant: with its unit, but for those of the logarithm of the charge. #}
{% macro constant_column(constant) -%}
    {{- constant ~ ('' if constant in ['t_slew_ref', 't_slew_low', 't_slew_high'] else '_ns') -}}
{%- endmacro %}

{# The columns of a front-back polynomial: five coefficients, its support and its degree. #}
{% macro front_back_columns() -%}
    {{- return([
        'q_fb_c0', 'q_fb_c1', 'q_fb_c2', 'q_fb_c3', 'q_fb_c4', 'q_fb_low_ns', 'q_fb_high_ns', 'q_fb_degree',
    ]) -}}
{%- endmacro %}

{# Restricts fits to those of the files of this run and of their neighbours. #}
{% macro where_in_neighbourhood() -%}
    where
        file_id in (
            select todo.file_id from {{ ref('int_file_todo') }} as todo
            union all
            select neighbour.neighbour_file_id from {{ ref('int_cal_neighbour') }} as neighbour
        )
{%- endmacro %}

{# CTEs that choose the used value of each constant of each strip of the files of this run; the last one is
   `chosen_constant` (file_id, plane, strip, constant, own_ns, value_ns, status, n_before, n_after).

   They read a CTE `own` (file_id, plane, strip, constant, value_ns) of the fits of these files and their neighbours.
   - The neighbours of a file are the nearest files with an own fit of the constant, before and after it, whatever was
     used for them.
   - An own fit is taken unless it lies outside the guard around the median of at least `neighbour_guard_min`
     neighbours: `outlier_mad` times their median absolute deviation, scaled by 1.4826 to the standard deviation of a
     normal distribution, and at least the tolerance of the constant.
   - Without a trusted own fit the median of at least `neighbour_min` neighbours is taken, then the seed
     `calibration_reference`, then nothing. #}
{% macro choose_constants(constants) %}
constant_name as (
    {%- for constant, tolerance in constants.items() %}
    select
        parameter.file_id,
        '{{ constant }}' as constant,
        {{ 'parameter.' ~ tolerance if tolerance else 'cast(null as double)' }} as tolerance_ns,
        parameter.outlier_mad,
        parameter.neighbour_files,
        parameter.neighbour_min,
        parameter.neighbour_guard_min
    from {{ ref('int_file_parameter') }} as parameter
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

wanted as (
    select
        constant_name.*,
        known.station_id,
        known.conf_number,
        geometry.plane,
        geometry.strip
    from constant_name
    inner join {{ ref('dim_file') }} as known on constant_name.file_id = known.file_id and known.lake_path is not null
    cross join {{ ref('strip_geometry') }} as geometry
),

reference as (
    {%- for constant in constants %}
    select
        station_id,
        conf_number,
        plane,
        strip,
        '{{ constant }}' as constant,
        {{ constant_column(constant) }} as value_ns
    from {{ ref('calibration_reference') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

neighbour_fit as (
    select
        neighbour.file_id,
        neighbour.is_after,
        own.plane,
        own.strip,
        own.constant,
        own.value_ns,
        row_number() over (
            partition by neighbour.file_id, neighbour.is_after, own.plane, own.strip, own.constant
            order by neighbour.distance_s, own.file_id
        ) as nearness
    from {{ ref('int_cal_neighbour') }} as neighbour
    inner join own on neighbour.neighbour_file_id = own.file_id
    where own.value_ns is not null
),

neighbour_median as (
    select
        neighbour_fit.file_id,
        neighbour_fit.plane,
        neighbour_fit.strip,
        neighbour_fit.constant,
        median(neighbour_fit.value_ns) as median_ns,
        1.4826 * mad(neighbour_fit.value_ns) as spread_ns,
        count(*) as n_neighbours,
        count(*) filter (where not neighbour_fit.is_after) as n_before,
        count(*) filter (where neighbour_fit.is_after) as n_after
    from neighbour_fit
    inner join constant_name
        on neighbour_fit.file_id = constant_name.file_id and neighbour_fit.constant = constant_name.constant
    where neighbour_fit.nearness <= constant_name.neighbour_files
    group by neighbour_fit.file_id, neighbour_fit.plane, neighbour_fit.strip, neighbour_fit.constant
),

compared as (
    select
        wanted.*,
        own.value_ns as own_ns,
        neighbour_median.median_ns,
        reference.value_ns as reference_ns,
        coalesce(neighbour_median.n_neighbours, 0) as n_neighbours,
        coalesce(neighbour_median.n_before, 0) as n_before,
        coalesce(neighbour_median.n_after, 0) as n_after,
        coalesce(
            n_neighbours >= wanted.neighbour_guard_min
            and abs(own_ns - median_ns)
            > greatest(wanted.outlier_mad * neighbour_median.spread_ns, wanted.tolerance_ns),
            false
        )
        and wanted.tolerance_ns is not null as is_outlier
    from wanted
    left join own
        on
            wanted.file_id = own.file_id
            and wanted.plane = own.plane
            and wanted.strip = own.strip
            and wanted.constant = own.constant
    left join neighbour_median
        on
            wanted.file_id = neighbour_median.file_id
            and wanted.plane = neighbour_median.plane
            and wanted.strip = neighbour_median.strip
            and wanted.constant = neighbour_median.constant
    left join reference
        on
            wanted.station_id = reference.station_id
            and wanted.conf_number = reference.conf_number
            and wanted.plane = reference.plane
            and wanted.strip = reference.strip
            and wanted.constant = reference.constant
),

chosen_constant as (
    select
        file_id,
        plane,
        strip,
        constant,
        own_ns,
        case
            when own_ns is not null and not is_outlier then 'fresh'
            when own_ns is not null then 'fresh_outlier'
            when n_neighbours >= neighbour_min then 'neighbour'
            when reference_ns is not null then 'reference'
            else 'none'
        end as status,
        case status
            when 'fresh' then own_ns
            when 'fresh_outlier' then median_ns
            when 'neighbour' then median_ns
            when 'reference' then reference_ns
        end as value_ns,
        n_before,
        n_after
    from compared
)
{%- endmacro %}

{# Words of a status, best first; for the worst of two. #}
{% macro worst_status(first, second) -%}
    ['fresh', 'fresh_outlier', 'neighbour', 'reference', 'none'][
        greatest(
            list_position(['fresh', 'fresh_outlier', 'neighbour', 'reference', 'none'], {{ first }}),
            list_position(['fresh', 'fresh_outlier', 'neighbour', 'reference', 'none'], {{ second }})
        )
    ]
{%- endmacro %}
