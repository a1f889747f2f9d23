{{ config(
    materialized='incremental',
    incremental_strategy='replace_correction_bin',
    on_schema_change='append_new_columns',
    pre_hook="{{ correction_bin_hook() }}"
) }}
with

minute as (
    select
        *,
        live_s > 0 and not is_bad_minute as is_used
    from {{ ref('large_table') }}
    where {{ within_correction_time('minute_start') }}
),

binned as (
    {{ binned('minute') }}
),

summed as (
    select
        station_id,
        bin_start,
        bin_width_s,
        coalesce(
            arg_max(conf_number, minute_start) filter (where is_used),
            arg_max(conf_number, minute_start)
        ) as conf_number,
        count(distinct coalesce(conf_number, -1)) filter (where is_used) as n_configurations,
        coalesce(bool_or(is_configuration_fallback), false) as is_configuration_fallback,
        coalesce(bool_or(is_z_default), false) as is_z_default,
        count(*) filter (where is_used) as n_minutes,
        count(*) filter (where is_bad_minute) as n_bad_minutes,
        {%- for name in count_columns() if not name.startswith('n_fid_') %}
        cast(sum({{ name }}) filter (where is_used) as bigint) as {{ name }},
        {%- endfor %}
        -- a fiducial sum is known only where it is known in every minute that is used
        {%- for plane, tt in fiducial_counts() %}
        {%- set name = 'n_fid_' ~ plane ~ '_' ~ tt %}
        case
            when count({{ name }}) filter (where is_used) = count(*) filter (where is_used)
                then cast(sum({{ name }}) filter (where is_used) as bigint)
        end as {{ name }},
        {%- endfor %}
        coalesce(sum(live_s) filter (where is_used), 0) as live_s
    from binned
    group by station_id, bin_start, bin_width_s
),

final as (
    select
        *,
        live_s / bin_width_s as coverage,
        live_s / bin_width_s >= {{ var('bins_min_coverage') }} and live_s >= 60 and n_configurations = 1 as is_usable
    from summed
)

select * from final
