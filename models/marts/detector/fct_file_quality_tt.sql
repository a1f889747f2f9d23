{{ config(materialized='view') }}

with

scan as (
    select * from {{ ref('int_time_scan') }}
),

file as (
    select * from {{ ref('dim_file') }}
),

final as (
    select
        scan.file_id,
        scan.tt,
        scan.n_events,
        scan.share_in_window,
        scan.sigmoid_height,
        scan.sigmoid_center_ns,
        scan.sigmoid_width_ns,
        scan.background_slope_per_ns,
        scan.scan_status
    from scan
    semi join file on scan.file_id = file.file_id
)

select * from final
