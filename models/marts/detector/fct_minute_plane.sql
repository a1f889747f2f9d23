{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'minute_start'},
    tags=['publish'],
) }}

with

second as (
    select
        file_id,
        second_start
    from {{ ref('int_second') }}
    {{ where_day_todo('station_id', 'second_start') }} and is_live
),

event as (
    select
        track.file_id,
        track.event_number,
        track.station_id,
        track.minute_start,
        track.clean_tt,
        track.list_tt,
        track.fiducial_mask
    from {{ ref('fct_track') }} as track
    inner join second on track.file_id = second.file_id and track.event_time = second.second_start
),

label as (
    select * from {{ ref('tt_label') }}
),

plane as (
    select cast(unnest([1, 2, 3, 4]) as tinyint) as plane
),

live_minute as (
    select
        station_id,
        minute_start
    from {{ ref('fct_minute_live') }}
    {{ where_day_todo('station_id', 'minute_start') }} and live_s >= 1
),

hit as (
    select
        event.station_id,
        event.minute_start,
        plane_hit.plane,
        count(*) as n_hits,
        count(*) filter (where plane_hit.is_streamer) as n_streamer,
        count(*) filter (where plane_hit.is_low_charge) as n_low_charge,
        {%- for class in ['single', 'adjacent_2', 'adjacent_3', 'adjacent_4', 'split'] %}
            count(*) filter (where plane_hit.cluster_class = '{{ class }}') as n_{{ class }},
        {%- endfor %}
        sum(plane_hit.n_strips) as sum_n_strips,
        sum(plane_hit.q_sum_ns) as sum_q_sum_ns,
        sum(plane_hit.q_fc) as sum_q_fc
    from {{ ref('int_plane_hit') }} as plane_hit
    inner join event on plane_hit.file_id = event.file_id and plane_hit.event_number = event.event_number
    group by event.station_id, event.minute_start, plane_hit.plane
),

{# how often each combination of labels and tested planes came, before it is looked at plane by plane #}
pattern as (
    select
        station_id,
        minute_start,
        clean_tt,
        list_tt,
        fiducial_mask,
        count(*) as n_events
    from event
    group by station_id, minute_start, clean_tt, list_tt, fiducial_mask
),

{%- set is_clean = mask_has_plane('clean_label.plane_mask', 'plane.plane') %}
{%- set is_listed = mask_has_plane('list_label.plane_mask', 'plane.plane') %}
{%- set is_tested = mask_has_plane('pattern.fiducial_mask', 'plane.plane') %}

pool as (
    select
        pattern.station_id,
        pattern.minute_start,
        plane.plane,
        sum(pattern.n_events) filter (where {{ is_clean }} and not {{ is_listed }}) as n_one_ended_only,
        sum(pattern.n_events) filter (where {{ is_tested }}) as n_pool,
        sum(pattern.n_events) filter (where {{ is_tested }} and {{ is_listed }}) as n_fired_list,
        sum(pattern.n_events) filter (where {{ is_tested }} and {{ is_clean }}) as n_fired_clean
    from pattern
    cross join plane
    inner join label as clean_label on pattern.clean_tt = clean_label.tt
    inner join label as list_label on pattern.list_tt = list_label.tt
    group by pattern.station_id, pattern.minute_start, plane.plane
),

{%- set counts = {
    'hit': [
        'n_hits', 'n_streamer', 'n_low_charge', 'n_single', 'n_adjacent_2', 'n_adjacent_3', 'n_adjacent_4', 'n_split',
        'sum_n_strips',
    ],
    'pool': ['n_one_ended_only', 'n_pool', 'n_fired_list', 'n_fired_clean'],
} %}

final as (
    select
        live_minute.station_id,
        live_minute.minute_start,
        plane.plane,
        {%- for relation, columns in counts.items() %}
            {%- for column in columns %}
                cast(coalesce({{ relation }}.{{ column }}, 0) as bigint) as {{ column }},
            {%- endfor %}
        {%- endfor %}
        coalesce(hit.sum_q_sum_ns, 0) as sum_q_sum_ns,
        coalesce(hit.sum_q_fc, 0) as sum_q_fc
    from live_minute
    cross join plane
    left join hit
        on
            live_minute.station_id = hit.station_id
            and live_minute.minute_start = hit.minute_start
            and plane.plane = hit.plane
    left join pool
        on
            live_minute.station_id = pool.station_id
            and live_minute.minute_start = pool.minute_start
            and plane.plane = pool.plane
)

select * from final
order by minute_start, station_id, plane
