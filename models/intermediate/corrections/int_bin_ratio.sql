{#- Counts behind the efficiencies of a bin: its own, or those of the day around it when they are too few. -#}
{%- set min_n_1234 = 1000 -%}
with

bin_count as (
    select * from {{ ref('int_bin_count') }}
),

-- 24 h around the bin, of one configuration: the bins whose start lies in [-12 h, +12 h)
windowed as (
    select
        station_id,
        bin_start,
        bin_width_s,
        {%- for name in efficiency_counts() %}
        {{ name }} as own_{{ name }},
        case
            when count({{ name }}) over day_around = count(n_1234) over day_around then sum({{ name }}) over day_around
        end as window_{{ name }},
        {%- endfor %}
        live_s
    from bin_count
    window day_around as (
        partition by station_id, bin_width_s, conf_number order by bin_start
        range between interval 43200 seconds preceding and interval 43199 seconds following
    )
),

chosen as (
    select
        *,
        case
            when live_s < 60 then null
            when own_n_1234 >= {{ min_n_1234 }} then 'bin'
            when window_n_1234 >= {{ min_n_1234 }} then 'window'
        end as eff_source
    from windowed
),

final as (
    select
        station_id,
        bin_start,
        bin_width_s,
        live_s,
        {%- for name in efficiency_counts() %}
        cast(case eff_source when 'bin' then own_{{ name }} when 'window' then window_{{ name }} end as double)
            as {{ name }},
        {%- endfor %}
        eff_source
    from chosen
)

select * from final
