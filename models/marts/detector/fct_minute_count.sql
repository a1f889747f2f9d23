{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'minute_start'},
) }}

with

second as (
    select
        station_id,
        file_id,
        second_start
    from {{ ref('int_second') }}
    {{ where_day_todo('station_id', 'second_start') }} and is_live
),

track as (
    select * from {{ ref('fct_track') }}
),

label as (
    select * from {{ ref('tt_label') }}
),

rule as (
    select * from {{ ref('int_plane_pool_rule') }}
    where method = 'projection' and coalesce(null_reason, '') not in ('trigger_bias', 'no_fiducial')
),

{# minutes with live time, and the planes whose efficiency their files can measure #}
live_minute as (
    select
        second.station_id,
        second.minute_start,
        coalesce(bit_or({{ plane_bit('rule.plane') }}), 0) as measurable_mask
    from (
        select distinct
            station_id,
            file_id,
            date_trunc('minute', second_start) as minute_start
        from second
    ) as second
    left join rule on second.file_id = rule.file_id
    group by second.station_id, second.minute_start
),

event as (
    select
        track.station_id,
        track.minute_start,
        track.raw_tt,
        track.clean_tt,
        track.list_tt,
        track.fit_tt,
        'all' as any_region,
        track.region_code as track_region,
        track.fiducial_mask
    from track
    inner join second on track.file_id = second.file_id and track.event_time = second.second_start
),

counted as (
    {%- for tt_kind in ['raw_tt', 'clean_tt', 'list_tt', 'fit_tt'] %}
    select
        station_id,
        minute_start,
        '{{ tt_kind }}' as tt_kind,
        {{ tt_kind }} as tt,
        {{ 'any_region' if tt_kind in ['raw_tt', 'clean_tt'] else 'track_region' }} as region_code,
        count(*) as n_events,
        count(*) filter (where {{ mask_has_plane('fiducial_mask', 1) }}) as n_fid_1,
        count(*) filter (where {{ mask_has_plane('fiducial_mask', 2) }}) as n_fid_2,
        count(*) filter (where {{ mask_has_plane('fiducial_mask', 3) }}) as n_fid_3,
        count(*) filter (where {{ mask_has_plane('fiducial_mask', 4) }}) as n_fid_4
    from event
    group by all
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

{# every label of every live minute, so that a zero is a row #}
expected as (
    select
        live_minute.station_id,
        live_minute.minute_start,
        kind.tt_kind,
        label.tt,
        kind.region_code
    from live_minute
    cross join label
    cross join (
        values ('raw_tt', 'all'), ('clean_tt', 'all'), ('list_tt', 'none'), ('fit_tt', 'none')
    ) as kind (tt_kind, region_code)
),

complete as (
    select
        station_id,
        minute_start,
        tt_kind,
        tt,
        region_code,
        coalesce(counted.n_events, 0) as n_events,
        coalesce(counted.n_fid_1, 0) as n_fid_1,
        coalesce(counted.n_fid_2, 0) as n_fid_2,
        coalesce(counted.n_fid_3, 0) as n_fid_3,
        coalesce(counted.n_fid_4, 0) as n_fid_4
    from counted
    full join expected using (station_id, minute_start, tt_kind, tt, region_code)
),

final as (
    select
        complete.station_id,
        complete.minute_start,
        complete.tt_kind,
        complete.tt,
        complete.region_code,
        complete.n_events,
        {{ count_if_measurable('complete', 'label.plane_mask', 'live_minute.measurable_mask', 1) }} as n_fid_1,
        {{ count_if_measurable('complete', 'label.plane_mask', 'live_minute.measurable_mask', 2) }} as n_fid_2,
        {{ count_if_measurable('complete', 'label.plane_mask', 'live_minute.measurable_mask', 3) }} as n_fid_3,
        {{ count_if_measurable('complete', 'label.plane_mask', 'live_minute.measurable_mask', 4) }} as n_fid_4
    from complete
    inner join label on complete.tt = label.tt
    inner join live_minute
        on complete.station_id = live_minute.station_id and complete.minute_start = live_minute.minute_start
)

select * from final
order by minute_start, station_id
