with

logbook as (
    select
        *,
        'logbook' as configuration_source
    from {{ ref('stg_logbook') }}
    qualify row_number() over (partition by station_id, conf_number, valid_from order by row_number desc) = 1
),

seed as (
    select
        *,
        'seed' as configuration_source
    from {{ ref('station_configuration') }}
),

seed_without_logbook as (
    select seed.*
    from seed
    anti join logbook on seed.station_id = logbook.station_id and seed.conf_number = logbook.conf_number
),

{%- set columns = [
    'station_id', 'conf_number', 'valid_from', 'valid_to',
    'z_plane_1_mm', 'z_plane_2_mm', 'z_plane_3_mm', 'z_plane_4_mm',
    'lead_over_1_mm', 'lead_12_mm', 'lead_23_mm', 'lead_34_mm',
    'trigger_1', 'trigger_2', 'trigger_3', 'trigger_4', 'phi_north_deg', 'configuration_source',
] | join(',\n        ') %}

final as (
    select
        {{ columns }}
    from logbook
    union all
    select
        {{ columns }}
    from seed_without_logbook
)

select * from final
