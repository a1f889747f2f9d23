with

minutes as (
    select * from {{ ref('int_lab_minute') }}
),

differences as (
    select
        station_id,
        cast(date_trunc('month', minute_start) as date) as month_start,
        pressure_ext_hpa - pressure_int_hpa as ext_minus_int_hpa
    from minutes
    where pressure_ext_hpa is not null and pressure_int_hpa is not null
),

final as (
    select
        station_id,
        month_start,
        'pressure' as quantity,
        count(*) as n_common_minutes,
        median(ext_minus_int_hpa) as ext_minus_int_hpa
    from differences
    group by station_id, month_start
    having count(*) >= 100
)

select * from final
