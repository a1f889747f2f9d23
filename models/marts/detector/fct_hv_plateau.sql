{% set highest_difference_kv = 0.1 %}
{% set slow = ['hv_mean_kv', 'hv_current_mean_ua', 'temp_lab_degc', 'pressure_lab_hpa'] %}
{% set key = 'step.station_id, step.scan_id, step.step' %}

with

step as (
    select * from {{ ref('stg_lab_hv_scan') }}
),

plane as (
    {% for k in [1, 2, 3, 4] %}select cast({{ k }} as tinyint) as plane{{ ' union all ' if not loop.last }}{% endfor %}
),

-- whole minutes between settling and end
live as (
    select
        {{ key }},
        sum(minute.live_s) as live_s,
        sum(minute.n_events_live) as n_events
    from step
    inner join {{ ref('fct_minute_live') }} as minute
        on
            step.station_id = minute.station_id
            and minute.minute_start >= step.settled_at
            and minute.minute_start + interval 1 minute <= step.ended_at
    group by {{ key }}
),

hit as (
    select
        {{ key }},
        minute.plane,
        sum(minute.n_hits) as n_hits,
        sum(minute.n_streamer) / nullif(sum(minute.n_hits), 0) as streamer_share,
        sum(minute.n_pool) as n_pool,
        sum(minute.n_fired_clean) / nullif(sum(minute.n_pool), 0) as efficiency
    from step
    inner join {{ ref('fct_minute_plane') }} as minute
        on
            step.station_id = minute.station_id
            and minute.minute_start >= step.settled_at
            and minute.minute_start + interval 1 minute <= step.ended_at
    group by {{ key }}, minute.plane
),

surroundings as (
    select
        {{ key }},
        {%- for column in slow %}
        avg(minute.{{ column }} order by minute.minute_start) as {{ column }},
        stddev_samp(minute.{{ column }} order by minute.minute_start) as {{ column }}_sigma{{ ',' if not loop.last }}
        {%- endfor %}
    from step
    inner join {{ ref('fct_environment_minute') }} as minute
        on
            step.station_id = minute.station_id
            and minute.minute_start >= step.settled_at
            and minute.minute_start + interval 1 minute <= step.ended_at
    group by {{ key }}
),

judged as (
    select
        step.*,
        surroundings.* exclude (station_id, scan_id, step),
        coalesce(
            step.invalid_reason,
            case
                when round(abs(surroundings.hv_mean_kv - step.hv_set_kv), 6) > {{ highest_difference_kv }} then 'hv_differs'
            end
        ) as reason
    from step
    left join surroundings
        on
            step.station_id = surroundings.station_id
            and step.scan_id = surroundings.scan_id
            and step.step = surroundings.step
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
        judged.reason is null as is_valid,
        judged.reason as invalid_reason,
        {%- for column in slow %}
        judged.{{ column }},
        judged.{{ column }}_sigma,
        {%- endfor %}
        hit.efficiency,
        {{ binomial_sigma('hit.efficiency', 'hit.n_pool') }} as efficiency_sigma,
        100 * hit.streamer_share as streamer_pct,
        100 * {{ binomial_sigma('hit.streamer_share', 'hit.n_hits') }} as streamer_pct_sigma,
        live.n_events / nullif(live.live_s, 0) as rate_raw_hz,
        sqrt(live.n_events) / nullif(live.live_s, 0) as rate_raw_hz_sigma,
        cast(coalesce(live.live_s, 0) as bigint) as live_s
    from judged
    cross join plane
    left join live
        on
            judged.station_id = live.station_id
            and judged.scan_id = live.scan_id
            and judged.step = live.step
    left join hit
        on
            judged.station_id = hit.station_id
            and judged.scan_id = hit.scan_id
            and judged.step = hit.step
            and plane.plane = hit.plane
)

select * from final
