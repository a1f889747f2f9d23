{{ config(materialized='view') }}
with

bin_group as (
    select * from {{ ref('int_bin_group') }}
),

bin_efficiency as (
    select * from {{ ref('int_bin_efficiency') }}
),

bin_environment as (
    select * from {{ ref('int_bin_environment') }}
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
),

joined as (
    select
        bin_group.*,
        bin_efficiency.eff_status,
        bin_efficiency.eff_telescope,
        bin_environment.pressure_source,
        bin_environment.hv_neg_kv,
        bin_environment.pressure_lab_hpa - station_reference.reference_pressure_hpa as pressure_delta_hpa,
        station_reference.hv_min_kv,
        -- one count is the least error of a count: none seen is 0 +- 1
        greatest(bin_group.n_tel, 1) as n_tel_variance,
        case
            when bin_group.group_code = 'all' and bin_efficiency.rate_relative_variance is not null
                then bin_efficiency.rate_relative_variance * pow(bin_group.n_tel, 2)
            else
                greatest(bin_group.n_tel, 1) + bin_efficiency.eff_relative_variance * pow(bin_group.n_tel, 2)
        end as corrected_variance
    from bin_group
    inner join bin_efficiency using (station_id, bin_start, bin_width_s)
    left join bin_environment using (station_id, bin_start, bin_width_s)
    inner join station_reference using (station_id)
),

final as (
    select
        station_id,
        bin_start,
        bin_width_s,
        group_code,
        conf_number,
        n_tel,
        live_s,
        is_usable,
        eff_status,
        pressure_source,
        pressure_delta_hpa,
        hv_neg_kv < hv_min_kv as is_hv_low,
        case when live_s >= 60 then n_tel / live_s end as rate_raw_hz,
        case when live_s >= 60 then sqrt(n_tel_variance) / live_s end as rate_raw_sigma_hz,
        case when eff_status = 'ok' then n_tel / live_s / eff_telescope end as rate_eff_hz,
        case when eff_status = 'ok' then sqrt(corrected_variance) / live_s / eff_telescope end as rate_eff_sigma_hz
    from joined
)

select * from final
