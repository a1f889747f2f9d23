{% set groups = environment_groups() %}
{{ config(materialized='view') }}

with

spine as (
    select * from {{ ref('int_environment_spine') }}
),

limits as (
    {{ gap_limits(groups | map(attribute='policy') | unique | list) }}
),
{% for group in groups %}
{{ group.name }} as (
    {{ gap_neighbours(group, flag=('is_era5_preliminary' if group.model == 'int_era5_hourly' else none)) }}
),
{% endfor %}
newest as (
    select
        spine.station_id,
        spine.minute_start,
        {%- for group in groups %}
        {{ group.name }}.minute_start as {{ group.name }}_at{{ ',' if not loop.last }}
        {%- endfor %}
    from spine
    {%- for group in groups %}
    asof left join {{ group.name }}
        on spine.station_id = {{ group.name }}.station_id
        and spine.minute_start >= {{ group.name }}.minute_start
    {%- endfor %}
),

ranked as (
    select
        newest.station_id,
        newest.minute_start,
        {%- for group in groups if group.model == 'int_era5_hourly' %}
        {{ group.name }}.flag_here as {{ group.name }}_flag_here,
        {{ group.name }}.flag_next as {{ group.name }}_flag_next,
        {%- endfor %}
        {%- for group in groups %}
        {%- for column in group.columns %}
        {{ group.name }}.{{ column }} as {{ column }}_near,
        {{ fill_rank(group.name ~ '.' ~ column, 'newest.minute_start', 'limits.' ~ group.policy) }} as {{ column }}_rank{{ ',' if not loop.last }}
        {%- endfor %}{{ ',' if not loop.last }}
        {%- endfor %}
    from newest
    cross join limits
    {%- for group in groups %}
    left join {{ group.name }}
        on newest.station_id = {{ group.name }}.station_id
        and newest.{{ group.name }}_at = {{ group.name }}.minute_start
    {%- endfor %}
),

final as (
    select
        station_id,
        minute_start,
        {%- for group in groups %}
        {%- for column in group.columns %}
        {{ filled_value(column ~ '_near', 'minute_start', column ~ '_rank') }} as {{ column }},
        {%- if group.policy == 'air' %}
        {{ fill_word(column ~ '_rank') }} as {{ column }}_fill,
        {%- endif %}
        {%- endfor %}
        {%- if group.fill %}
        greatest({% for column in group.columns %}{{ column }}_rank{{ ', ' if not loop.last }}{% endfor %}) as {{ group.name }}_rank,
        {{ fill_word(group.name ~ '_rank') }} as {{ group.fill }},
        {%- endif %}
        {%- endfor %}
        case
            when era5_hourly_rank is not null or era5_profile_rank is not null
                then coalesce(era5_hourly_rank is not null and (era5_hourly_flag_here or (era5_hourly_rank = 2 and era5_hourly_flag_next)), false)
                    or coalesce(era5_profile_rank is not null and (era5_profile_flag_here or (era5_profile_rank = 2 and era5_profile_flag_next)), false)
        end as is_era5_preliminary
    from ranked
)

select * exclude (hv_rank, flow_rank, rates_rank, computer_rank, era5_hourly_rank, era5_profile_rank) from final
