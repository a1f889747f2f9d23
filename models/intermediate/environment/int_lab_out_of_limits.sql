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

final as (
    select
        station_id,
        kind,
        cast(read_at as date) as read_date,
        outside.column_name as column_name,
        count(*) as n_out_of_limits,
        min(outside.reading) as lowest,
        max(outside.reading) as highest
    from readings
    group by station_id, kind, cast(read_at as date), outside.column_name
)

select * from final
