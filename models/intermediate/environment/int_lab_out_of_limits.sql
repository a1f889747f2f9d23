with

readings as (
    {%- for kind in ['env', 'hv', 'rates', 'flow', 'computer'] %}
    select
        station_id,
        {{ "'env_' || sensor_location" if kind == 'env' else "'" ~ kind ~ "'" }} as kind,
        read_at,
        unnest(out_of_limits) as outside
    from {{ ref('stg_lab_' ~ kind) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

offenders as (
    select
        station_id,
        kind,
        cast(read_at as date) as read_date,
        unnest(outside)  -- noqa: AL03
    from readings
),

final as (
    select
        station_id,
        kind,
        read_date,
        column_name,
        count(*) as n_out_of_limits,
        min(reading) as lowest,
        max(reading) as highest
    from offenders
    group by station_id, kind, read_date, column_name
)

select * from final
