{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

hit as (
    select * from {{ ref('int_cal_hit') }}
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

final as (
    select
        hit.file_id,
        hit.plane,
        hit.strip,
        cast(floor(hit.q_sum_ns / 1) as integer) as q_sum_bin,
        cast(floor(hit.q_dif_ns / 0.1) as integer) as q_dif_bin,
        count(*) as n
    from hit
    inner join parameter on hit.file_id = parameter.file_id
    where
        hit.q_sum_ns > parameter.fb_low_ns
        and hit.q_sum_ns < parameter.fb_high_ns
        and abs(hit.q_dif_ns) < parameter.fb_q_dif_max_ns
    group by hit.file_id, hit.plane, hit.strip, q_sum_bin, q_dif_bin
)

select * from final
