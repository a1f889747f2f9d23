{%- set method = word_setting('efficiency_outer_method', ['fiducial', 'acceptance']) -%}
{%- set min_fiducial_pool = 100 -%}
with

ratio as (
    select * from {{ ref('int_bin_ratio') }}
),

station_acceptance as (
    select * from {{ ref('station_acceptance') }}
),

with_method as (
    select
        ratio.*,
        station_acceptance.acc_1,
        station_acceptance.acc_2,
        station_acceptance.acc_3,
        station_acceptance.acc_4,
        case
            when ratio.eff_source is null then null
            {%- if method == 'fiducial' %}
            when
                ratio.n_fid_1_1234 + ratio.n_fid_1_234 >= {{ min_fiducial_pool }}
                and ratio.n_fid_4_1234 + ratio.n_fid_4_123 >= {{ min_fiducial_pool }}
                then 'fiducial'
            {%- endif %}
            when station_acceptance.station_id is not null then 'acceptance'
        end as eff_method
    from ratio
    left join station_acceptance
        on
            ratio.station_id = station_acceptance.station_id
            and ratio.bin_start >= station_acceptance.valid_from
            and (station_acceptance.valid_to is null or ratio.bin_start < station_acceptance.valid_to)
),

-- tracks that could fire a plane (pool) and tracks that did
pool as (
    select
        *,
        {%- for k, fired, missed, raw_missed in [
            (1, 'n_fid_1_1234', 'n_fid_1_234', 'n_234'), (4, 'n_fid_4_1234', 'n_fid_4_123', 'n_123'),
        ] %}
        case eff_method when 'fiducial' then {{ fired }} when 'acceptance' then n_1234 end as n_fired_{{ k }},
        case eff_method
            when 'fiducial' then {{ fired }} + {{ missed }}
            when 'acceptance' then n_1234 + {{ raw_missed }}
        end as n_pool_{{ k }},
        {%- endfor %}
        {%- for k in [1, 2, 3, 4] %}
        case when eff_method = 'acceptance' then acc_{{ k }} else 1 end as share_{{ k }},
        {%- endfor %}
        case when eff_source is not null then n_1234 end as n_fired_2,
        case when eff_source is not null then n_1234 + n_134 end as n_pool_2,
        case when eff_source is not null then n_1234 end as n_fired_3,
        case when eff_source is not null then n_1234 + n_124 end as n_pool_3
    from with_method
),

plane_ratio as (
    select
        {%- for k in [1, 2, 3, 4] %}
        n_fired_{{ k }} / nullif(n_pool_{{ k }}, 0) as raw_{{ k }},
        {%- endfor %}
        *
    from pool
),

plane_efficiency as (
    select
        {%- for k in [1, 2, 3, 4] %}
        case when raw_{{ k }} > share_{{ k }} then 1 else raw_{{ k }} / share_{{ k }} end as eff_{{ k }},
        {{ binomial_sigma('raw_' ~ k, 'n_pool_' ~ k) }} / share_{{ k }}
            as eff_{{ k }}_sigma,
        {%- endfor %}
        *
    from plane_ratio
),

telescope as (
    select
        {{ telescope_efficiency('eff_1', 'eff_2', 'eff_3', 'eff_4') }} as eff_telescope,
        {{ telescope_efficiency_relative_variance(
            'eff_1', 'eff_2', 'eff_3', 'eff_4', 'eff_1_sigma', 'eff_2_sigma', 'eff_3_sigma', 'eff_4_sigma')
        }} as eff_relative_variance,
        -- where a ratio was cut at 1 the plane is a constant, and its counts no longer move the rate
        {%- for k in [1, 4] %}
        case when raw_{{ k }} > share_{{ k }} then 1 else raw_{{ k }} end as lever_{{ k }},
        case when eff_method = 'fiducial' then n_fired_{{ k }} / nullif(n_1234, 0) else 1 end
            as fiducial_share_{{ k }},
        {%- endfor %}
        *
    from plane_efficiency
),

final as (
    select
        station_id,
        bin_start,
        bin_width_s,
        {%- for k in [1, 2, 3, 4] %}
        cast(n_fired_{{ k }} as bigint) as n_fired_{{ k }},
        cast(n_pool_{{ k }} as bigint) as n_pool_{{ k }},
        eff_{{ k }},
        eff_{{ k }}_sigma,
        case when eff_method = 'acceptance' then acc_{{ k }} end as acc_{{ k }},
        {%- endfor %}
        (eff_1 + eff_2 + eff_3 + eff_4) / 4 as eff_mean,
        sqrt(pow(eff_1_sigma, 2) + pow(eff_2_sigma, 2) + pow(eff_3_sigma, 2) + pow(eff_4_sigma, 2)) / 4
            as eff_mean_sigma,
        eff_telescope,
        eff_telescope * sqrt(eff_relative_variance) as eff_telescope_sigma,
        eff_relative_variance,
        -- of the rate of all directions, where rate and efficiencies come from the same counts
        case
            when eff_source = 'bin'
                then {{ corrected_rate_relative_variance(
                    'n_1234', 'lever_1', 'eff_2', 'eff_3', 'lever_4', 'fiducial_share_1', 'fiducial_share_4') }}
        end as rate_relative_variance,
        eff_method,
        eff_source,
        case
            when coalesce(live_s, 0) < 60 then 'no_live'
            when eff_source is null then 'low_statistics'
            when eff_method is null then 'no_acceptance'
            when
                eff_telescope is null
                or least(eff_1, eff_2, eff_3, eff_4) <= 0.3
                or greatest(eff_1, eff_2, eff_3, eff_4) > 1
                then 'out_of_range'
            else 'ok'
        end as eff_status
    from telescope
)

select * from final
