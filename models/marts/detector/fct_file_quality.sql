{{ config(materialized='table', tags=['publish']) }}

with

file as (
    select * from {{ ref('dim_file') }}
),

span as (
    select * from {{ ref('int_file_span') }}
),

track as (
    select * from {{ ref('int_file_track') }}
),

superseded as (
    select * from {{ ref('int_file_superseded') }}
),

calibration_file as (
    select * from {{ ref('int_cal_file') }}
),

trigger_rule as (
    select
        file_id,
        bool_and(is_trigger_known) as is_trigger_known
    from {{ ref('int_plane_pool_rule') }}
    group by file_id
),

{%- set per_plane = [
    'q_sum_mean_ns', 'streamer_pct', 'single_strip_pct', 'loo_x_rms_mm', 'loo_y_rms_mm', 'loo_t_rms_ns',
] %}

plane as (
    select
        file_id,
        {%- for column in per_plane %}
        {%- for plane in [1, 2, 3, 4] %}
        max({{ column }}) filter (where plane = {{ plane }}) as {{ column }}_{{ plane }},
        {%- endfor %}
        {%- endfor %}
        sum(n_hits) as n_plane_hits
    from {{ ref('int_file_plane') }}
    group by file_id
),

channel as (
    select
        file_id,
        {%- for plane in [1, 2, 3, 4] %}
        not bool_or(is_strip_usable) filter (where plane = {{ plane }}) as is_plane_dead_{{ plane }},
        {%- endfor %}
        count(*) filter (where status = 'dead') as n_dead,
        count(*) filter (where status = 'weak') as n_weak,
        count(*) filter (where status = 'noisy') as n_noisy
    from {{ ref('fct_channel_status') }}
    group by file_id
),

{%- set statuses = ['fresh', 'fresh_outlier', 'neighbour', 'reference', 'none', 'no_peak'] %}

constant as (
    select
        file_id,
        unnest([q_status, t_dif_status, fb_status, t_sum_status, crosstalk_status]) as status
    from {{ ref('fct_calibration') }}
),

calibration as (
    select
        file_id,
        {%- for status in statuses %}
        count(*) filter (where status = '{{ status }}') as n_constants_{{ status }},
        {%- endfor %}
        count(*) as n_constants
    from constant
    group by file_id
),

plane_efficiency as (
    select
        file_id,
        {%- for plane in [1, 2, 3, 4] %}
        max(efficiency) filter (where plane = {{ plane }}) as efficiency_{{ plane }},
        max(efficiency_sigma) filter (where plane = {{ plane }}) as efficiency_sigma_{{ plane }},
        {%- endfor %}
        count(*) as n_planes
    from {{ ref('fct_plane_efficiency') }}
    where period_kind = 'file' and method = 'projection' and label = 'list'
    group by file_id
),

final as (
    select
        file.file_id,
        file.station_id,
        file.start_time,
        if(span.n_coincidence > 0, 'ok', 'no_coincidence') as status,
        superseded.file_id is not null as is_superseded,
        trigger_rule.is_trigger_known,
        cast(file.n_lines as bigint) as n_lines,
        span.n_events,
        span.n_coincidence,
        span.n_self_trigger,
        coalesce(track.n_tracks, 0) as n_tracks,
        coalesce(track.n_removed_plane, 0) as n_removed_plane,
        date_diff('second', span.first_second, span.last_second) + 1 as covered_s,
        span.n_dead_s,
        100.0 * file.n_events / nullif(file.n_lines, 0) as line_validity_pct,
        100.0 * track.n_clean / track.n_coincidence as clean_purity_pct,
        100.0 * track.n_list / track.n_coincidence as list_purity_pct,
        100.0 * track.n_tracks / track.n_coincidence as track_purity_pct,
        track.slowness_c_median,
        track.chi2_per_ndf_mean,
        {%- for column in per_plane %}
        {%- for plane in [1, 2, 3, 4] %}
        plane.{{ column }}_{{ plane }},
        {%- endfor %}
        {%- endfor %}
        {%- for plane in [1, 2, 3, 4] %}
        plane_efficiency.efficiency_{{ plane }},
        plane_efficiency.efficiency_sigma_{{ plane }},
        {%- endfor %}
        {%- for plane in [1, 2, 3, 4] %}
        channel.is_plane_dead_{{ plane }},
        {%- endfor %}
        channel.n_dead,
        channel.n_weak,
        channel.n_noisy,
        {%- for status in statuses %}
        calibration.n_constants_{{ status }},
        {%- endfor %}
        calibration_file.n_links,
        calibration_file.link_rms_ps,
        calibration_file.link_chi2_ndf,
        calibration_file.crt_ps,
        calibration_file.crt_corrected_ps
    from file
    inner join span on file.file_id = span.file_id
    left join track on file.file_id = track.file_id
    left join superseded on file.file_id = superseded.file_id
    left join calibration_file on file.file_id = calibration_file.file_id
    left join trigger_rule on file.file_id = trigger_rule.file_id
    left join plane on file.file_id = plane.file_id
    left join channel on file.file_id = channel.file_id
    left join calibration on file.file_id = calibration.file_id
    left join plane_efficiency on file.file_id = plane_efficiency.file_id
)

select * from final
order by file_id
