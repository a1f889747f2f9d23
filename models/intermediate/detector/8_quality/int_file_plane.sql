{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

hit as (
    select
        file_id,
        plane,
        count(*) as n_hits,
        avg(q_sum_ns) as q_sum_mean_ns,
        100.0 * avg(cast(is_streamer as integer)) as streamer_pct,
        100.0 * avg(cast(n_strips = 1 as integer)) as single_strip_pct
    from {{ ref('int_plane_hit') }}
    {{ where_file_todo() }}
    group by file_id, plane
),

left_out as (
    select
        file_id,
        plane,
        stddev_pop(loo_x_mm) as loo_x_rms_mm,
        stddev_pop(loo_y_mm) as loo_y_rms_mm,
        stddev_pop(loo_t_ns) as loo_t_rms_ns
    from {{ ref('int_track_plane') }}
    {{ where_file_todo() }} and is_hit
    group by file_id, plane
),

final as (
    select
        hit.*,
        left_out.loo_x_rms_mm,
        left_out.loo_y_rms_mm,
        left_out.loo_t_rms_ns
    from hit
    left join left_out on hit.file_id = left_out.file_id and hit.plane = left_out.plane
)

select * from final
order by file_id, plane
