{# The front-back polynomial a strip uses, as a whole: its coefficients belong together and to their support, so a
   strip without its own takes that of the nearest neighbour file, never a mean of several. #}
{%- set columns = front_back_columns() %}
with

fit as (
    select * from {{ ref('int_cal_strip') }}
    {{ where_in_neighbourhood() }}
        and q_fb_degree is not null
),

file as (
    select * from {{ ref('dim_file') }}
    where lake_path is not null
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

wanted as (
    select
        parameter.file_id,
        parameter.neighbour_files,
        parameter.neighbour_min,
        file.station_id,
        file.conf_number,
        geometry.plane,
        geometry.strip
    from parameter
    inner join file on parameter.file_id = file.file_id
    cross join {{ ref('strip_geometry') }} as geometry
),

neighbour_fit as (
    select
        neighbour.file_id,
        neighbour.is_after,
        neighbour.distance_s,
        fit.plane,
        fit.strip,
        {%- for column in columns %}
        fit.{{ column }},
        {%- endfor %}
        fit.file_id as neighbour_file_id,
        row_number() over (
            partition by neighbour.file_id, neighbour.is_after, fit.plane, fit.strip
            order by neighbour.distance_s, fit.file_id
        ) as nearness
    from {{ ref('int_cal_neighbour') }} as neighbour
    inner join fit on neighbour.neighbour_file_id = fit.file_id
),

counted as (
    select
        neighbour_fit.*,
        count(*) over (partition by wanted.file_id, wanted.plane, wanted.strip) as n_neighbours,
        row_number() over (
            partition by wanted.file_id, wanted.plane, wanted.strip
            order by neighbour_fit.distance_s, neighbour_fit.neighbour_file_id
        ) as place
    from wanted
    inner join neighbour_fit
        on
            wanted.file_id = neighbour_fit.file_id
            and wanted.plane = neighbour_fit.plane
            and wanted.strip = neighbour_fit.strip
    where neighbour_fit.nearness <= wanted.neighbour_files
),

nearest as (
    select * from counted
    where place = 1
),

final as (
    select
        wanted.file_id,
        wanted.plane,
        wanted.strip,
        case
            when fit.q_fb_degree is not null then 'fresh'
            when nearest.n_neighbours >= wanted.neighbour_min then 'neighbour'
            when reference.q_fb_degree is not null then 'reference'
            else 'none'
        end as status,
        {%- for column in columns %}
        case status
            when 'fresh' then fit.{{ column }}
            when 'neighbour' then nearest.{{ column }}
            when 'reference' then reference.{{ column }}
        end as {{ column }},
        {%- endfor %}
        coalesce(nearest.n_neighbours, 0) as n_neighbours
    from wanted
    left join fit
        on wanted.file_id = fit.file_id and wanted.plane = fit.plane and wanted.strip = fit.strip
    left join nearest
        on wanted.file_id = nearest.file_id and wanted.plane = nearest.plane and wanted.strip = nearest.strip
    left join {{ ref('calibration_reference') }} as reference
        on
            wanted.station_id = reference.station_id
            and wanted.conf_number = reference.conf_number
            and wanted.plane = reference.plane
            and wanted.strip = reference.strip
)

select * from final
