{#- Which rates may enter a pressure fit, and why the others may not. -#}
{%- set min_n_tel = 100 -%}
with

rate as (
    select
        *,
        case when is_usable and rate_eff_hz > 0 then ln(rate_eff_hz) end as ln_rate
    from {{ ref('int_rate_efficiency') }}
),

exclusion as (
    select * from {{ ref('int_fit_exclusion') }}
),

station_primary as (
    select * from {{ ref('int_station_primary') }}
),

-- the first declared exclusion that touches a bin; Forbush decreases are no fault of a fit that knows the primary flux
excluded_bin as (
    select
        rate.station_id,
        rate.bin_start,
        rate.bin_width_s,
        arg_min(exclusion.kind, row(exclusion.start_at, exclusion.kind)) as exclusion_kind,
        bool_or(exclusion.kind != 'forbush') as is_detector_excluded
    from rate
    inner join exclusion
        on
            rate.station_id = exclusion.station_id
            and rate.bin_start < exclusion.end_at
            and rate.bin_start + to_seconds(rate.bin_width_s) > exclusion.start_at
    where rate.group_code = 'all'
    group by all
),

compared as (
    select
        *,
        {{ is_far_from_median('ln_rate', 'day_around') }} as is_far
    from rate
    window day_around as (
        partition by station_id, bin_width_s, group_code, conf_number order by bin_start
        range between interval 12 hours preceding and interval 12 hours following
    )
),

flagged as (
    select
        compared.*,
        coalesce(compared.is_far, false) as is_outlier,
        compared.is_usable and compared.rate_eff_hz is not null as is_rated,
        compared.rate_eff_hz > 0 and compared.n_tel >= {{ min_n_tel }} as is_positive,
        excluded_bin.exclusion_kind,
        coalesce(excluded_bin.is_detector_excluded, false) as is_detector_excluded,
        coalesce(station_primary.is_primary_disturbed, false) as is_primary_disturbed
    from compared
    left join excluded_bin using (station_id, bin_start, bin_width_s)
    left join station_primary using (station_id, bin_start, bin_width_s)
),

judged as (
    select
        *,
        case
            when not is_usable then 'not_usable'
            when not is_rated then 'no_rate'
            when pressure_delta_hpa is null then 'missing_pressure'
            when pressure_source != 'ext' then 'interior_pressure'
            when is_hv_low then 'hv_low'
            when not is_positive then 'few_counts'
            when is_outlier then 'outlier'
        end as own_reason
    from flagged
),

final as (
    select
        * exclude (
            ln_rate, is_far, is_rated, is_positive,
            exclusion_kind, is_detector_excluded, is_primary_disturbed, own_reason
        ),
        coalesce(exclusion_kind, own_reason, case when is_primary_disturbed then 'primary_disturbed' end)
            as fit_exclusion_reason,
        own_reason is null and not is_detector_excluded as is_joint_fit_row
    from judged
)

select * from final
