with

bin_efficiency as (
    select * from {{ ref('int_bin_efficiency') }}
),

{%- for k in [1, 2, 3, 4] %}

plane_{{ k }} as (
    select
        station_id,
        bin_start,
        bin_width_s,
        cast({{ k }} as tinyint) as plane,
        n_fired_{{ k }} as n_fired,
        n_pool_{{ k }} as n_pool,
        eff_{{ k }} as efficiency,
        eff_{{ k }}_sigma as efficiency_sigma,
        eff_method,
        eff_source,
        eff_status
    from bin_efficiency
),
{%- endfor %}

final as (
    select * from plane_1
    union all
    select * from plane_2
    union all
    select * from plane_3
    union all
    select * from plane_4
)

select * from final
