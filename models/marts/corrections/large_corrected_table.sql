with

bin_count as (
    select * from {{ ref('int_bin_count') }}
),

bin_environment as (
    select * from {{ ref('int_bin_environment') }}
),

bin_efficiency as (
    select * from {{ ref('int_bin_efficiency') }}
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
),

station_primary as (
    select * from {{ ref('int_station_primary') }}
),

reference as (
    select * from {{ ref('int_rate_reference') }}
    where group_code = 'all'
),

rate as (
    select * from {{ ref('fct_rate') }}
),

all_direction as (
    select * from {{ ref('int_rate_temperature') }}
    where group_code = 'all'
),

direction as (
    select
        station_id,
        bin_start,
        bin_width_s,
        {%- for group_code in ['all'] + direction_groups() + region_codes() %}
        max(rate_final_hz) filter (where group_code = '{{ group_code }}') as {{ rate_column(group_code) }}_hz,
        max(rate_final_sigma_hz) filter (where group_code = '{{ group_code }}')
            as {{ rate_column(group_code) }}_sigma_hz,
        {%- endfor %}
        {%- for name in ['rate_norm_pct', 'rate_norm_sigma_pct'] %}
        max({{ name }}) filter (where group_code = 'all') as {{ name }}{%- if not loop.last %},{% endif %}
        {%- endfor %}
    from rate
    group by station_id, bin_start, bin_width_s
),

final as (
    select
        bin_count.station_id,
        station_reference.station_code,
        bin_count.bin_start,
        bin_count.bin_width_s,
        bin_count.conf_number,
        bin_count.is_configuration_fallback,
        bin_count.is_z_default,
        cast(bin_count.n_minutes as integer) as n_minutes,
        bin_count.live_s,
        bin_count.coverage,
        bin_count.is_usable,
        bin_count.n_events,
        {%- for tt in ['1234', '123', '234', '124', '134'] %}
        cast(bin_count.n_{{ tt }} as bigint) as n_{{ tt }},
        {%- endfor %}
        {%- for name in log_columns() %}
        bin_environment.{{ name }},
        {%- endfor %}
        {%- for name, unit in lab_columns() %}
        bin_environment.{{ name }}_{{ unit }},
        bin_environment.{{ name }}_source,
        {%- endfor %}
        {%- for name in era5_columns() %}
        bin_environment.{{ name }},
        {%- endfor %}
        bin_environment.is_era5_preliminary,
        (bin_environment.hv_pos_kv + bin_environment.hv_neg_kv) / 2 as hv_mean_kv,
        (bin_environment.hv_current_pos_ua + bin_environment.hv_current_neg_ua) / 2 as hv_current_mean_ua,
        {%- for k in [1, 2, 3, 4] %}
        bin_efficiency.acc_{{ k }},
        {%- endfor %}
        case when bin_count.live_s >= 60 then bin_count.n_events / bin_count.live_s end as rate_events_hz,
        case when bin_count.live_s >= 60 then sqrt(greatest(bin_count.n_events, 1)) / bin_count.live_s end
            as rate_events_sigma_hz,
        {%- for k in [1, 2, 3, 4] %}
        bin_efficiency.eff_{{ k }},
        {%- endfor %}
        {%- for k in [1, 2, 3, 4] %}
        bin_efficiency.eff_{{ k }}_sigma,
        {%- endfor %}
        bin_efficiency.eff_mean,
        bin_efficiency.eff_mean_sigma,
        bin_efficiency.eff_telescope,
        bin_efficiency.eff_telescope_sigma,
        bin_efficiency.eff_method,
        bin_efficiency.eff_source,
        bin_efficiency.eff_status,
        bin_environment.pressure_lab_hpa - station_reference.reference_pressure_hpa as pressure_delta_hpa,
        bin_environment.pressure_source,
        all_direction.final_beta_pct_per_hpa as beta_pct_per_hpa,
        all_direction.final_beta_sigma_pct_per_hpa as beta_sigma_pct_per_hpa,
        all_direction.final_pressure_factor as pressure_factor,
        all_direction.pressure_status,
        all_direction.final_applied_source as applied_source,
        all_direction.alpha_pct_per_k,
        all_direction.mu_pct_per_km,
        all_direction.temperature_factor,
        all_direction.temperature_method,
        all_direction.temperature_status,
        {%- for stage in ['raw', 'eff', 'eff_p', 'eff_pt'] %}
        all_direction.rate_{{ stage }}_hz,
        all_direction.rate_{{ stage }}_sigma_hz,
        {%- endfor %}
        direction.rate_final_hz,
        direction.rate_final_sigma_hz,
        all_direction.final_stage,
        all_direction.rate_without_eff_hz,
        all_direction.rate_without_pressure_hz,
        all_direction.rate_without_temperature_hz,
        direction.rate_norm_pct,
        direction.rate_norm_sigma_pct,
        coalesce(reference.reference_status, 'none') as reference_status,
        station_primary.primary_pct,
        station_primary.primary_code,
        station_primary.is_primary_disturbed,
        coalesce(all_direction.is_outlier, false) as is_outlier,
        coalesce(all_direction.fit_exclusion_reason is not null, true) as is_excluded,
        case when all_direction.station_id is null then 'no_live' else all_direction.fit_exclusion_reason end
            as fit_exclusion_reason,
        {%- for group_code in direction_groups() %}
        direction.{{ rate_column(group_code) }}_hz,
        direction.{{ rate_column(group_code) }}_sigma_hz,
        {%- endfor %}
        {%- for group_code in region_codes() %}
        direction.{{ rate_column(group_code) }}_hz{%- if not loop.last %},{% endif %}
        {%- endfor %}
    from bin_count
    inner join station_reference using (station_id)
    left join bin_environment using (station_id, bin_start, bin_width_s)
    left join bin_efficiency using (station_id, bin_start, bin_width_s)
    left join station_primary using (station_id, bin_start, bin_width_s)
    left join all_direction using (station_id, bin_start, bin_width_s)
    left join direction using (station_id, bin_start, bin_width_s)
    left join reference
        on
            bin_count.station_id = reference.station_id
            and bin_count.bin_width_s = reference.bin_width_s
            and bin_count.conf_number is not distinct from reference.conf_number
)

select * from final
