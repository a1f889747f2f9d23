{{ config(materialized='view') }}

with

time_sum as (
    select * from {{ ref('int_cal_time_sum') }}
),

strip as (
    select * from {{ ref('int_cal_strip') }}
),

strip_sum as (
    select
        file_id,
        any_value(t_sum_gauge) as t_sum_gauge,
        string_agg(concat('plane ', plane, ' strip ', strip, ' ', detail), '; ' order by plane, strip)
        filter (where detail is not null) as detail
    from strip
    group by file_id
),

final as (
    select
        time_sum.file_id,
        strip_sum.t_sum_gauge,
        time_sum.n_links,
        time_sum.link_rms_ps,
        time_sum.link_chi2_ndf,
        time_sum.n_components,
        time_sum.last_change_ps,
        time_sum.crt_ps,
        time_sum.crt_corrected_ps,
        nullif(concat_ws('; ', time_sum.detail, strip_sum.detail), '') as detail
    from time_sum
    inner join strip_sum on time_sum.file_id = strip_sum.file_id
    where time_sum.plane = 1 and time_sum.strip = 1
)

select * from final
