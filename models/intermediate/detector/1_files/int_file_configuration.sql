{# The configuration in force at a file, by the UTC day of its start: a row that covers the day (both ends inclusive),
   else the last one before it, else the first one of the station, else none. #}
{%- set columns = [
    'conf_number', 'valid_from', 'valid_to', 'z_plane_1_mm', 'z_plane_2_mm', 'z_plane_3_mm', 'z_plane_4_mm',
    'lead_over_1_mm', 'lead_12_mm', 'lead_23_mm', 'lead_34_mm', 'trigger_1', 'trigger_2', 'trigger_3', 'trigger_4',
    'phi_north_deg', 'configuration_source',
] %}

with

file as (
    select distinct
        station_id,
        cast(start_time as date) as start_date
    from {{ ref('int_raw_file') }}
),

configuration as (
    select * from {{ ref('int_station_configuration') }}
),

candidate as (
    select
        file.start_date,
        configuration.*,
        case
            when
                configuration.valid_from <= file.start_date
                and (configuration.valid_to is null or configuration.valid_to >= file.start_date)
                then 'covering'
            when configuration.valid_from <= file.start_date then 'closest_before'
            else 'earliest'
        end as configuration_match
    from file
    inner join configuration on file.station_id = configuration.station_id
),

chosen as (
    select *
    from candidate
    qualify row_number() over (
            partition by station_id, start_date
            order by
                case configuration_match when 'covering' then 1 when 'closest_before' then 2 else 3 end,
                if(configuration_match = 'earliest', valid_from, null) asc nulls last,
                valid_from desc,
                valid_to desc nulls first,
                conf_number desc
        ) = 1
),

final as (
    select
        file.station_id,
        file.start_date,
        {%- for column in columns %}
        chosen.{{ column }},
        {%- endfor %}
        coalesce(chosen.configuration_match, 'default') as configuration_match,
        coalesce(chosen.configuration_match, 'default') in ('closest_before', 'earliest') as is_configuration_fallback
    from file
    left join chosen on file.station_id = chosen.station_id and file.start_date = chosen.start_date
)

select * from final
