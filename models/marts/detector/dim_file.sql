{# The current content of every file, with all that decides how it is processed. `lineage_id` changes when any of that
   does, and makes the file one to be processed again. #}
{%- set configured = [
    'conf_number', 'lead_over_1_mm', 'lead_12_mm', 'lead_23_mm', 'lead_34_mm',
    'trigger_1', 'trigger_2', 'trigger_3', 'trigger_4', 'phi_north_deg',
    'configuration_match', 'is_configuration_fallback',
] -%}
{%- set heights = ['z_plane_1_mm', 'z_plane_2_mm', 'z_plane_3_mm', 'z_plane_4_mm', 'is_z_default', 'z_source'] %}
with

raw_file as (
    select
        *,
        cast(start_time as date) as start_date
    from {{ ref('int_raw_file') }}
),

configuration as (
    select * from {{ ref('int_file_configuration') }}
),

height as (
    select * from {{ ref('int_file_height') }}
),

period as (
    select * from {{ ref('int_parameter_period') }}
),

seed as (
    select
        concat(
            {{ content_hash(ref('strip_geometry')) }},
            {{ content_hash(ref('tot_to_fc')) }},
            {{ content_hash(ref('calibration_reference')) }},
            {{ content_hash(ref('angular_ring')) }},
            {{ content_hash(ref('tt_label')) }}
        ) as seed_hash
),

current_file as (
    select *
    from raw_file
    qualify row_number() over (partition by file_id order by {{ newest_version_first() }}) = 1
),

described as (
    select
        current_file.file_id,
        current_file.station_id,
        current_file.start_time,
        current_file.base_name,
        {%- for column in configured %}
        configuration.{{ column }},
        {%- endfor %}
        configuration.phi_north_deg is null as is_phi_north_default,
        {%- for column in heights %}
        height.{{ column }},
        {%- endfor %}
        if(height.is_geometry_bad and current_file.n_events > 0, 'bad_geometry', current_file.status) as status,
        current_file.content_sha256,
        current_file.parser_version,
        current_file.n_lines,
        current_file.n_events,
        current_file.n_rejects,
        if(height.is_geometry_bad or current_file.n_events = 0, null, current_file.lake_path) as lake_path,
        period.parameter_hash,
        seed.seed_hash
    from current_file
    cross join seed
    inner join configuration
        on current_file.station_id = configuration.station_id and current_file.start_date = configuration.start_date
    inner join height
        on current_file.station_id = height.station_id and current_file.start_date = height.start_date
    inner join period
        on
            current_file.station_id = period.station_id
            and current_file.start_date >= period.valid_from
            and (period.valid_to is null or current_file.start_date < period.valid_to)
),

final as (
    select
        * exclude (parameter_hash, seed_hash),
        left(
            sha256(
                concat_ws(
                    '|',
                    content_sha256,
                    parser_version,
                    status,
                    {%- for column in configured + heights %}
                    coalesce(cast({{ column }} as varchar), ''),
                    {%- endfor %}
                    parameter_hash,
                    seed_hash
                )
            ),
            16
        ) as lineage_id
    from described
)

select * from final
