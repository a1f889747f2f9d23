with

readings as (
    {%- for kind in ['env', 'hv', 'rates', 'flow', 'computer', 'weight'] %}
    select
        station_id,
        {{ "'env_' || sensor_location" if kind == 'env' else "'" ~ kind ~ "'" }} as kind,
        read_at,
        n_identical,
        n_conflict
    from {{ ref('stg_lab_' ~ kind) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        station_id,
        kind,
        cast(read_at as date) as read_date,
        count(*) as n_readings,
        cast(sum(n_identical) as bigint) as n_identical,
        cast(sum(n_conflict) as bigint) as n_conflict
    from readings
    group by station_id, kind, cast(read_at as date)
)

select * from final
