with minute_wide as (
    select * from {{ ref('int_minute_wide') }}
    where has_value
),

telescope_minute as (
    select
        station_id,
        minute_start,
        live_s,
        (n_1234 + n_124 + n_134) / nullif(live_s, 0) as rate_hz,
    from minute_wide
    where live_s > 0
),

neighbourhood as (
    select
        station_id,
        minute_start,
        live_s,
        rate_hz,
        median(case when live_s >= 30 then rate_hz end) over half_hour_around as median_hz,
        count(case when live_s >= 30 then rate_hz end) over half_hour_around as n_neighbours,
    from telescope_minute
    window half_hour_around as (
        partition by station_id order by minute_start
        range between interval 30 minutes preceding and interval 30 minutes following
    )
),

bad_minute as (
    select
        station_id,
        minute_start,
    from neighbourhood
    where
        n_neighbours >= 20
        and median_hz > 0
        and abs((rate_hz - median_hz) / sqrt(median_hz / live_s)) > {{ var('bins_minute_z_max') }}
),

final as (
    select
        minute_wide.station_id,
        minute_wide.minute_start,
        minute_wide.conf_number,
        minute_wide.is_configuration_fallback,
        minute_wide.is_z_default,
        minute_wide.live_s,
        bad_minute.station_id is not null as is_bad_minute,
        minute_wide.reject_reason,
        {%- for name in fill_columns() %}
        minute_wide.{{ name }},
        {%- endfor %}
        {%- for name in count_columns() %}
        minute_wide.{{ name }},
        {%- endfor %}
        {%- for name in log_columns() %}
        minute_wide.{{ name }},
        {%- endfor %}
        {%- for name, unit in lab_columns() %}
        minute_wide.{{ name }}_{{ unit }},
        minute_wide.{{ name }}_source,
        {%- endfor %}
        {%- for name in era5_columns() %}
        minute_wide.{{ name }},
        {%- endfor %}
        minute_wide.is_era5_preliminary,
    from minute_wide
    left join bad_minute
        on minute_wide.station_id = bad_minute.station_id and minute_wide.minute_start = bad_minute.minute_start
)

select * from final
