{#- Intervals of the neutron monitors whose uncorrected rate and pressure are both stored. Of a day that is stored in
    several resolutions, the one that covers most of it; of several answers, the newest. -#}
{%- set reference_pressure_hpa = 1000 -%}
with

stored as (
    select * from {{ ref('stg_nmdb') }}
    where dtype in ('uncorrected', 'pressure_mbar') and resolution_s <= 86400
),

exclusion as (
    select * from {{ ref('fit_exclusion') }}
    where station_id is null and kind = 'forbush'
),

paired as (
    select
        nm_code,
        resolution_s,
        interval_start,
        arg_max(rate_hz, (fetched_at, nm_table)) as rate_hz,
        arg_max(pressure_hpa, (fetched_at, nm_table)) as pressure_hpa
    from stored
    group by nm_code, resolution_s, interval_start
),

both_stored as (
    select *
    from paired
    qualify
        count(rate_hz) over (partition by nm_code, resolution_s) > 0
        and count(pressure_hpa) over (partition by nm_code, resolution_s) > 0
),

covered as (
    select
        *,
        resolution_s * count(rate_hz + pressure_hpa) over (
            partition by nm_code, resolution_s, date_trunc('day', interval_start)
        ) as covered_s
    from both_stored
),

chosen as (
    select *
    from covered
    qualify rank() over (
            partition by nm_code, date_trunc('day', interval_start) order by covered_s desc, resolution_s asc
        ) = 1
),

-- the first declared exclusion that touches an interval
excluded as (
    select
        chosen.nm_code,
        chosen.interval_start,
        arg_min(exclusion.kind, exclusion.start_at) as exclusion_kind
    from chosen
    inner join exclusion
        on
            chosen.interval_start < exclusion.end_at
            and chosen.interval_start + to_seconds(chosen.resolution_s) > exclusion.start_at
    group by all
),

compared as (
    select
        *,
        {{ is_far_from_median('ln(rate_hz)', 'day_around') }} as is_far
    from chosen
    window day_around as (
        partition by nm_code order by interval_start
        range between interval 12 hours preceding and interval 12 hours following
    )
),

final as (
    select
        compared.nm_code,
        compared.interval_start,
        compared.resolution_s,
        compared.rate_hz,
        sqrt(compared.rate_hz * compared.resolution_s) / compared.resolution_s as rate_sigma_hz,
        cast({{ reference_pressure_hpa }} as double) as reference_pressure_hpa,
        compared.pressure_hpa - {{ reference_pressure_hpa }} as pressure_delta_hpa,
        case
            when excluded.exclusion_kind is not null then excluded.exclusion_kind
            when compared.rate_hz is null then 'no_rate'
            when compared.pressure_hpa is null then 'missing_pressure'
            when coalesce(compared.is_far, false) then 'outlier'
        end as fit_exclusion_reason
    from compared
    left join excluded using (nm_code, interval_start)
)

select * from final
