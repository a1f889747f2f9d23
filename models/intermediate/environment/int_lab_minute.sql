{% set kinds = ['env_ext', 'env_int', 'hv', 'rates', 'flow', 'computer', 'weight'] %}

with

readings as (
    select
        'env_' || sensor_location as kind,
        station_id,
        {%- for location in ['ext', 'int'] %}
        case when sensor_location = '{{ location }}' then temp_degc end as temp_{{ location }}_degc,
        case when sensor_location = '{{ location }}' then rh_pct end as rh_{{ location }}_pct,
        case when sensor_location = '{{ location }}' then pressure_hpa end as pressure_{{ location }}_hpa,
        {%- endfor %}
        read_at
    from {{ ref('stg_lab_env') }}
    {%- for group in environment_groups() if group.name in kinds %}
    union all by name
    select
        '{{ group.name }}' as kind,
        station_id,
        read_at,
        {{ group.columns | join(', ') }}
    from {{ ref('stg_lab_' ~ group.name) }}
    {%- endfor %}
),

final as (
    select
        {%- for group in environment_groups_of('int_lab_minute') %}
        {%- for column in group.columns %}
        avg({{ column }}) as {{ column }},
        {%- endfor %}
        {%- endfor %}
        {%- for kind in kinds %}
        count(*) filter (where kind = '{{ kind }}') as {{ kind }}_n,
        {%- endfor %}
        station_id,
        date_trunc('minute', read_at) as minute_start
    from readings
    group by station_id, date_trunc('minute', read_at)
)

select * from final
