{%- set applied_scope = word_setting('pressure_applied_scope', ['config', 'month']) -%}
with

fit as (
    select * from {{ ref('int_pressure_status') }}
),

station_reference as (
    select * from {{ ref('int_station_reference') }}
),

-- what a range offers: its own fit, else that of all directions
offered as (
    select
        *,
        target_kind = 'station' and scope = '{{ applied_scope }}' as is_applied,
        case when fit_status = 'ok' then beta_pct_per_hpa end as own_beta,
        case when fit_status = 'ok' then beta_sigma_pct_per_hpa end as own_sigma,
        max(beta_pct_per_hpa) filter (where fit_status = 'ok' and group_code = 'all') over same_range as all_beta,
        max(beta_sigma_pct_per_hpa) filter (where fit_status = 'ok' and group_code = 'all') over same_range as all_sigma
    from fit
    window same_range as (partition by scope, target_code, half_width_days, range_start)
),

-- else that of the last earlier range which had one
carried as (
    select
        *,
        last_value(coalesce(own_beta, all_beta) ignore nulls) over earlier as carried_beta,
        last_value(coalesce(own_sigma, all_sigma) ignore nulls) over earlier as carried_sigma
    from offered
    window earlier as (
        partition by scope, target_code, half_width_days, group_code order by range_start
        rows between unbounded preceding and 1 preceding
    )
),

applied as (
    select
        carried.*,
        case
            when own_beta is not null then 'fit'
            when all_beta is not null then 'all'
            when carried_beta is not null then 'carried'
            else 'seed'
        end as applied_source,
        station_reference.beta_seed_pct_per_hpa as seed_beta,
        station_reference.beta_seed_sigma_pct_per_hpa as seed_sigma
    from carried
    left join station_reference using (station_id)
),

final as (
    select
        concat_ws(
            '-', target_code, group_code, scope, half_width_days, strftime(range_start, '%Y%m%dT%H%M')
        ) as coefficient_id,
        target_kind,
        station_id,
        nm_code,
        group_code,
        scope,
        conf_number,
        range_start,
        range_end,
        fit_until,
        half_width_days,
        beta_pct_per_hpa,
        beta_sigma_stat_pct_per_hpa,
        beta_sigma_pct_per_hpa,
        rate_at_p_ref_hz,
        r2,
        chi2_ndf,
        n_rows,
        n_excluded_rows,
        n_blocks,
        n_clusters,
        pressure_span_hpa,
        residual_lag1,
        reference_pressure_hpa,
        fit_status,
        is_applied,
        {%- for name in ['beta', 'sigma'] %}
        case
            when not is_applied then null
            when applied_source = 'fit' then own_{{ name }}
            when applied_source = 'all' then all_{{ name }}
            when applied_source = 'carried' then carried_{{ name }}
            else seed_{{ name }}
        end as applied_{{ {'beta': 'beta', 'sigma': 'beta_sigma'}[name] }}_pct_per_hpa,
        {%- endfor %}
        case when is_applied then applied_source end as applied_source
    from applied
)

select * from final
