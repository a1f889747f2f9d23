{% set highest_difference_kv = 0.1 %}
{% set slow = ['hv_mean_kv', 'hv_current_mean_ua', 'temp_lab_degc', 'pressure_lab_hpa'] %}
{% set key = 'station_id, scan_id, step' %}

with

step as (
    select * from {{ ref('stg_lab_hv_scan') }}
),

plane as (
    select cast(unnest([1, 2, 3, 4]) as tinyint) as plane
),

-- whole minutes between settling and end
used as (
    select
        step.station_id,
        step.scan_id,
        step.step,
        minute.minute_start,
        {%- for column in slow %}
        minute.{{ column }},
        {%- endfor %}
        live.live_s,
        live.n_events_live
    from step
    inner join {{ ref('fct_environment_minute') }} as minute
        on
            step.station_id = minute.station_id
            and step.settled_at <= minute.minute_start
            and step.ended_at >= minute.minute_start + interval 1 minute
    left join {{ ref('fct_minute_live') }} as live
        on minute.station_id = live.station_id and minute.minute_start = live.minute_start
),

whole as (
    select
        {{ key }},
        {%- for column in slow %}
        avg({{ column }} order by minute_start) as {{ column }},
        stddev_samp({{ column }} order by minute_start) as {{ column }}_sigma,
        {%- endfor %}
        sum(live_s) as live_s,
        sum(n_events_live) as n_events
    from used
    group by {{ key }}
),

hit as (
    select
        used.station_id,
        used.scan_id,
        used.step,
        minute.plane,
        sum(minute.n_hits) as n_hits,
        sum(minute.n_streamer) / nullif(sum(minute.n_hits), 0) as streamer_share,
        sum(minute.n_pool) as n_pool,
        sum(minute.n_fired_clean) / nullif(sum(minute.n_pool), 0) as efficiency
    from used
    inner join {{ ref('fct_minute_plane') }} as minute
        on used.station_id = minute.station_id and used.minute_start = minute.minute_start
    group by used.station_id, used.scan_id, used.step, minute.plane
),

judged as (
    select
        step.* exclude (is_valid, invalid_reason),
        whole.* exclude (station_id, scan_id, step),
        case
            when step.invalid_reason is not null then step.invalid_reason
            when round(abs(whole.hv_mean_kv - step.hv_set_kv), 6) > {{ highest_difference_kv }} then 'hv_differs'
        end as invalid_reason
    from step
    left join whole
        on
            step.station_id = whole.station_id
            and step.scan_id = whole.scan_id
            and step.step = whole.step
),

final as (
    select
        judged.scan_id,
        judged.station_id,
        judged.step,
        plane.plane,
        judged.hv_set_kv,
        judged.started_at,
        judged.settled_at,
        judged.ended_at,
        date_diff('second', judged.settled_at, judged.ended_at) as used_s,
        judged.invalid_reason is null as is_valid,
        judged.invalid_reason,
        {%- for column in slow %}
        judged.{{ column }},
        judged.{{ column }}_sigma,
        {%- endfor %}
        hit.efficiency,
        {{ binomial_sigma('hit.efficiency', 'hit.n_pool') }} as efficiency_sigma,
        100 * hit.streamer_share as streamer_pct,
        100 * {{ binomial_sigma('hit.streamer_share', 'hit.n_hits') }} as streamer_pct_sigma,
        judged.n_events / nullif(judged.live_s, 0) as rate_raw_hz,
        sqrt(judged.n_events) / nullif(judged.live_s, 0) as rate_raw_hz_sigma,
        cast(coalesce(judged.live_s, 0) as bigint) as live_s
    from judged
    cross join plane
    left join hit
        on
            judged.station_id = hit.station_id
            and judged.scan_id = hit.scan_id
            and judged.step = hit.step
            and plane.plane = hit.plane
)

select * from final
