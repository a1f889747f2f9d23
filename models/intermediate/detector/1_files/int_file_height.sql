{# Heights of the planes at a file. A chosen configuration without usable heights takes those of the usable one nearest
   in time (the earlier of two equally near), else the default heights. #}
with

chosen as (
    select * from {{ ref('int_file_configuration') }}
),

usable as (
    select *
    from {{ ref('int_station_configuration') }}
    where {{ has_heights('z_plane_1_mm', 'z_plane_2_mm', 'z_plane_3_mm', 'z_plane_4_mm') }}
),

period as (
    select * from {{ ref('int_parameter_period') }}
),

neighbour as (
    select
        chosen.station_id,
        chosen.start_date,
        usable.z_plane_1_mm,
        usable.z_plane_2_mm,
        usable.z_plane_3_mm,
        usable.z_plane_4_mm
    from chosen
    inner join usable on chosen.station_id = usable.station_id
    qualify row_number() over (
            partition by chosen.station_id, chosen.start_date
            order by abs(usable.valid_from - chosen.valid_from), usable.valid_from, usable.conf_number
        ) = 1
),

sourced as (
    select
        chosen.station_id,
        case
            when
                {{ has_heights(
                    'chosen.z_plane_1_mm', 'chosen.z_plane_2_mm', 'chosen.z_plane_3_mm', 'chosen.z_plane_4_mm'
                ) }}
                then 'row'
            when neighbour.station_id is not null then 'neighbour'
            else 'default'
        end as z_source,
        {%- for plane in [1, 2, 3, 4] %}
        case z_source
            when 'row' then chosen.z_plane_{{ plane }}_mm
            when 'neighbour' then neighbour.z_plane_{{ plane }}_mm
            else period.z_default_{{ plane }}_mm
        end as z_{{ plane }},
        {%- endfor %}
        chosen.start_date
    from chosen
    left join neighbour on chosen.station_id = neighbour.station_id and chosen.start_date = neighbour.start_date
    inner join period
        on
            chosen.station_id = period.station_id
            and chosen.start_date >= period.valid_from
            and (period.valid_to is null or chosen.start_date < period.valid_to)
),

final as (
    select
        station_id,
        start_date,
        cast(0 as double) as z_plane_1_mm,
        z_2 - z_1 as z_plane_2_mm,
        z_3 - z_1 as z_plane_3_mm,
        z_4 - z_1 as z_plane_4_mm,
        z_source,
        z_source != 'row' as is_z_default,
        not coalesce(
            isfinite(z_1) and isfinite(z_2) and isfinite(z_3) and isfinite(z_4)
            and least(z_1, z_2, z_3, z_4) >= 0
            and least(z_2, z_3, z_4) > z_1
            and z_2 != z_3 and z_3 != z_4 and z_2 != z_4,
            false
        ) as is_geometry_bad
    from sourced
)

select * from final
