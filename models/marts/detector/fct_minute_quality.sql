{{ config(materialized='view') }}
{%- set qualities = [
    'crt_corrected_ps', 'link_rms_ps', 'clean_purity_pct', 'track_purity_pct', 'sigmoid_width_ns_1234',
    'background_slope_1234',
] %}
{%- set heights = ['z_plane_1_mm', 'z_plane_2_mm', 'z_plane_3_mm', 'z_plane_4_mm'] %}
{%- set leads = ['lead_over_1_mm', 'lead_12_mm', 'lead_23_mm', 'lead_34_mm'] %}

with

quality as (
    select
        known.*,
        scan.sigmoid_width_ns as sigmoid_width_ns_1234,
        scan.background_slope_per_ns as background_slope_1234
    from {{ ref('fct_file_quality') }} as known
    left join {{ ref('fct_file_quality_tt') }} as scan on known.file_id = scan.file_id and scan.tt = 1234
),

file as (
    select * from {{ ref('dim_file') }}
),

{# events of each file in the live seconds of a minute: their weights #}
minute_file as (
    select * from {{ ref('int_minute_file') }}
    where fate = 'live'
),

weighted as (
    select
        minute_file.station_id,
        minute_file.minute_start,
        {%- for name in qualities %}
        sum(minute_file.n_coincidence * quality.{{ name }})
        / nullif(sum(minute_file.n_coincidence) filter (where quality.{{ name }} is not null), 0) as {{ name }},
        {%- endfor %}
        cast(sum(minute_file.n_coincidence) as bigint) as n_events,
        max(minute_file.file_id) as newest_file_id
    from minute_file
    inner join quality on minute_file.file_id = quality.file_id
    group by minute_file.station_id, minute_file.minute_start
),

final as (
    select
        weighted.station_id,
        weighted.minute_start,
        weighted.n_events,
        {%- for name in qualities %}
        weighted.{{ name }},
        {%- endfor %}
        {%- for name in heights + leads %}
        file.{{ name }},
        {%- endfor %}
        file.phi_north_deg
    from weighted
    inner join file on weighted.newest_file_id = file.file_id
)

select * from final
