{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}
{%- set bits = reject_bits() %}

with

todo as (
    select * from {{ ref('int_file_todo') }}
    where lake_path is not null
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

geometry as (
    select * from {{ ref('strip_geometry') }}
),

event as (
    select
        file_id,
        count(*) as n_coincidence
    from {{ ref('int_event_clean') }}
    where file_id in (select todo.file_id from todo) and event_class = 'coincidence'
    group by file_id
),

{# a charge was there where the end is good or anything but its time alone was rejected #}
hit_sum as (
    select
        file_id,
        plane,
        strip,
        count(*) filter (where is_front_good or reject_mask_front & ~{{ bits.t_window }} != 0) as n_raw_front,
        count(*) filter (where is_back_good or reject_mask_back & ~{{ bits.t_window }} != 0) as n_raw_back,
        count(*) filter (where is_front_good) as n_good_front,
        count(*) filter (where is_back_good) as n_good_back
    from {{ ref('int_hit') }}
    where file_id in (select todo.file_id from todo) and trigger_type = 1
    group by file_id, plane, strip
),

{%- for side in ['front', 'back'] %}
channel_{{ side }} as (
    select
        todo.file_id,
        todo.station_id,
        geometry.plane,
        geometry.strip,
        '{{ side }}' as side,
        coalesce(hit_sum.n_raw_{{ side }}, 0) as n_raw,
        coalesce(hit_sum.n_good_{{ side }}, 0) as n_good
    from todo
    cross join geometry
    left join hit_sum
        on todo.file_id = hit_sum.file_id and geometry.plane = hit_sum.plane and geometry.strip = hit_sum.strip
),
{% endfor %}
channel as (
    select * from channel_front
    union all
    select * from channel_back
),

other_strip as (
    select
        channel.file_id,
        channel.plane,
        channel.strip,
        channel.side,
        median(other.n_good) as n_good_median
    from channel
    inner join channel as other
        on
            channel.file_id = other.file_id
            and channel.side = other.side
            and (channel.plane != other.plane or channel.strip != other.strip)
    group by all
),

rated as (
    select
        channel.*,
        channel.n_good / nullif(other_strip.n_good_median, 0) as ratio,
        case
            when channel.n_good = 0 then 'dead'
            when
                channel.n_good < least(parameter.channel_min_entries, 0.01 * coalesce(event.n_coincidence, 0))
                then 'dead'
            when ratio < parameter.channel_weak_ratio then 'weak'
            when ratio > parameter.channel_noisy_ratio then 'noisy'
            else 'ok'
        end as status
    from channel
    inner join other_strip using (file_id, plane, strip, side)
    inner join parameter on channel.file_id = parameter.file_id
    left join event on channel.file_id = event.file_id
),

final as (
    select
        file_id,
        station_id,
        plane,
        strip,
        side,
        n_raw,
        n_good,
        ratio,
        status,
        count(*) filter (where status = 'dead') over (partition by file_id, plane, strip) = 0 as is_strip_usable
    from rated
)

select * from final
