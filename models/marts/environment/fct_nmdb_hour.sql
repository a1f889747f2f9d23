with

intervals as (
    select * from {{ ref('fct_nmdb') }}
),

hours as (
    select
        nm_code,
        date_trunc('hour', interval_start) as interval_start,
        resolution_s as native_resolution_s,
        cast(count(rate_hz) as integer) as n_bins,
        avg(rate_hz order by interval_start) as rate_hz
    from intervals
    where 3600 % resolution_s = 0
    group by nm_code, date_trunc('hour', interval_start), resolution_s
),

final as (
    select
        nm_code,
        interval_start,
        3600 as resolution_s,
        case when 6 * n_bins * native_resolution_s >= 5 * 3600 then rate_hz end as rate_hz,
        n_bins,
        native_resolution_s
    from hours
    qualify row_number() over (
            partition by nm_code, interval_start
            order by n_bins * native_resolution_s desc, native_resolution_s asc
        ) = 1
)

select * from final
