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
        'q_sum' as kind,
        hit.plane,
        hit.strip,
        cast(floor(hit.q_sum_ns / parameter.q_bin_ns) as integer) as bin_index,
        count(*) as n
    from hit
    inner join parameter on hit.file_id = parameter.file_id
    where hit.q_sum_ns >= parameter.crosstalk_low_ns and hit.q_sum_ns < parameter.crosstalk_high_ns
    group by hit.file_id, hit.plane, hit.strip, bin_index
)

select * from final
