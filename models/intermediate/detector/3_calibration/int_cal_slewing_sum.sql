{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

{{ link_pairs('slewing_enabled = 1') }},

offset_of as (
    select
        file_id,
        plane,
        strip,
        t_sum_offset_ns
    from {{ ref('int_cal_time_sum') }}
),

logarithm as (
    select
        pair.*,
        {{ slewing_variable('pair.q_sum_a_ns') }} as g_a,
        {{ slewing_variable('pair.q_sum_b_ns') }} as g_b
    from pair
    inner join parameter on pair.file_id = parameter.file_id
    inner join offset_of as upper
        on pair.file_id = upper.file_id and pair.plane_a = upper.plane and pair.strip_a = upper.strip
    inner join offset_of as lower
        on pair.file_id = lower.file_id and pair.plane_b = lower.plane and pair.strip_b = lower.strip
    where
        abs(pair.difference_ns - (lower.t_sum_offset_ns - upper.t_sum_offset_ns)) <= parameter.link_window_ns
),

final as (
    select
        file_id,
        plane_a,
        strip_a,
        plane_b,
        strip_b,
        count(*) as n,
        sum(difference_ns) as sum_d,
        sum(g_a) as sum_a,
        sum(g_b) as sum_b,
        sum(g_a * g_a) as sum_aa,
        sum(g_b * g_b) as sum_bb,
        sum(g_a * g_b) as sum_ab,
        sum(difference_ns * g_a) as sum_da,
        sum(difference_ns * g_b) as sum_db,
        min(g_a) as low_a,
        max(g_a) as high_a,
        min(g_b) as low_b,
        max(g_b) as high_b
    from logarithm
    group by file_id, plane_a, strip_a, plane_b, strip_b
)

select * from final
