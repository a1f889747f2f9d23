{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'minute_start'},
) }}

with

second as (
    select
        file_id,
        second_start
    from {{ ref('int_second') }}
    {{ where_day_todo('station_id', 'second_start') }} and is_live
),

live_minute as (
    select
        station_id,
        minute_start
    from {{ ref('fct_minute_live') }}
    {{ where_day_todo('station_id', 'minute_start') }} and live_s >= 1
),

track as (
    select
        *,
        chi2 / nullif(ndf, 0) as chi2_per_ndf
    from {{ ref('fct_track') }}
    where is_track
),

summed as (
    select
        track.station_id,
        track.minute_start,
        {%- for name in track_quantities() %}
        sum(track.{{ name }}) as sum_{{ name }},
        {# a product: the power is three times as slow #}
        sum(track.{{ name }} * track.{{ name }}) as sum2_{{ name }},
        count(track.{{ name }}) as n_{{ name }},
        {%- endfor %}
        sum(cos(track.phi_rad)) as sum_cos_phi,
        sum(sin(track.phi_rad)) as sum_sin_phi,
        count(*) as n_tracks
    from track
    inner join second on track.file_id = second.file_id and track.event_time = second.second_start
    group by track.station_id, track.minute_start
),

final as (
    select
        live_minute.station_id,
        live_minute.minute_start,
        coalesce(summed.n_tracks, 0) as n_tracks,
        {%- for name in track_quantities() %}
        coalesce(summed.sum_{{ name }}, 0) as sum_{{ name }},
        coalesce(summed.sum2_{{ name }}, 0) as sum2_{{ name }},
        coalesce(summed.n_{{ name }}, 0) as n_{{ name }},
        {%- endfor %}
        coalesce(summed.sum_cos_phi, 0) as sum_cos_phi,
        coalesce(summed.sum_sin_phi, 0) as sum_sin_phi
    from live_minute
    left join summed
        on live_minute.station_id = summed.station_id and live_minute.minute_start = summed.minute_start
)

select * from final
order by minute_start, station_id
