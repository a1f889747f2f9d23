{#- Mean rate that stands for 0 %: over the reference interval where a configuration covers half of it, else over the
    first 27 days (one rotation of the Sun) of the configuration that are half covered. -#}
{%- set own_days = 27 -%}
{%- set min_share = 0.5 -%}
{%- set series = 'station_id, bin_width_s, group_code, conf_number' -%}
with

rate as (
    select
        *,
        date_trunc('day', bin_start) as day_start
    from {{ ref('int_rate_temperature') }}
    where is_usable and rate_final_hz is not null
),

reference_interval as (
    select
        start_at,
        end_at
    from {{ ref('reference_interval') }}
),

fixed_reference as (
    select
        rate.station_id,
        rate.bin_width_s,
        rate.group_code,
        rate.conf_number,
        {{ exact_sum('rate.rate_final_hz') }} / count(*) as mean_hz,
        count(*) * any_value(rate.bin_width_s)
        / epoch(any_value(reference_interval.end_at - reference_interval.start_at)) as share
    from rate
    inner join reference_interval
        on
            rate.bin_start >= reference_interval.start_at
            and rate.bin_start + to_seconds(rate.bin_width_s) <= reference_interval.end_at
    group by all
),

daily as (
    select
        {{ series }},
        day_start,
        {{ exact_sum('rate_final_hz') }} as sum_hz,
        count(*) as n_bins
    from rate
    group by all
),

windowed as (
    select
        *,
        sum(sum_hz) over own_window as window_sum_hz,
        sum(n_bins) over own_window as window_n_bins
    from daily
    window own_window as (
        partition by {{ series }} order by day_start
        range between current row and interval {{ own_days - 1 }} days following
    )
),

own_reference as (
    select
        {{ series }},
        arg_min(window_sum_hz / window_n_bins, day_start) as mean_hz
    from windowed
    where window_n_bins * bin_width_s >= {{ min_share }} * {{ own_days }} * 86400
    group by all
),

rate_series as (
    select distinct {{ series }} from {{ ref('int_rate_temperature') }}
),

final as (
    select
        rate_series.*,
        case
            when fixed_reference.share >= {{ min_share }} then fixed_reference.mean_hz
            else own_reference.mean_hz
        end as reference_hz,
        case
            when fixed_reference.share >= {{ min_share }} then 'ok'
            when own_reference.mean_hz is not null then 'own'
            else 'none'
        end as reference_status
    from rate_series
    left join fixed_reference
        on
            rate_series.station_id = fixed_reference.station_id
            and rate_series.bin_width_s = fixed_reference.bin_width_s
            and rate_series.group_code = fixed_reference.group_code
            and rate_series.conf_number is not distinct from fixed_reference.conf_number
    left join own_reference
        on
            rate_series.station_id = own_reference.station_id
            and rate_series.bin_width_s = own_reference.bin_width_s
            and rate_series.group_code = own_reference.group_code
            and rate_series.conf_number is not distinct from own_reference.conf_number
)

select * from final
