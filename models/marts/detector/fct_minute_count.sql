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

counted as (
    select
        track.station_id,
        track.minute_start,
        case
            when grouping(track.raw_tt) = 0 then 'raw_tt'
            when grouping(track.clean_tt) = 0 then 'clean_tt'
            when grouping(track.list_tt) = 0 then 'list_tt'
            else 'fit_tt'
        end as tt_kind,
        cast(coalesce(track.raw_tt, track.clean_tt, track.list_tt, track.fit_tt) as smallint) as tt,
        coalesce(track.region_code, 'all') as region_code,
        count(*) as n_events,
        {%- for plane in [1, 2, 3, 4] %}
        count(*) filter (where {{ mask_has_plane('track.fiducial_mask', plane) }}) as n_fid_{{ plane }}{{ ',' if not loop.last }}
        {%- endfor %}
    from track
    inner join second on track.file_id = second.file_id and track.event_time = second.second_start
    group by grouping sets (
        (track.station_id, track.minute_start, track.raw_tt),
        (track.station_id, track.minute_start, track.clean_tt),
        (track.station_id, track.minute_start, track.list_tt, track.region_code),
        (track.station_id, track.minute_start, track.fit_tt, track.region_code)
    )
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

{# a plane is tested by the events of all planes and by those that miss only it #}
final as (
    select
        complete.station_id,
        complete.minute_start,
        complete.tt_kind,
        complete.tt,
        complete.region_code,
        complete.n_events,
        {%- for plane in [1, 2, 3, 4] %}
        if(
            complete.tt_kind in ('list_tt', 'fit_tt')
            and label.plane_mask | {{ plane_bit(plane) }} = 15
            and {{ mask_has_plane('live_minute.measurable_mask', plane) }},
            complete.n_fid_{{ plane }},
            null
        ) as n_fid_{{ plane }}{{ ',' if not loop.last }}
        {%- endfor %}
    from complete
    inner join label on complete.tt = label.tt
    inner join live_minute
        on complete.station_id = live_minute.station_id and complete.minute_start = live_minute.minute_start
)

select * from final
order by minute_start, station_id, tt_kind, tt, region_code
