{{ config(materialized='view') }}

with

final as (
    select
        file_id,
        kind,
        plane,
        strip,
        bin_index,
        n
    from {{ ref('int_cal_histogram_first') }}
    union all
    select
        file_id,
        kind,
        plane,
        strip,
        bin_index,
        n
    from {{ ref('int_cal_histogram_second') }}
)

select * from final
