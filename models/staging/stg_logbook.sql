with

lake as (
    select
        lake.station_id,
        lake.conf_number,
        lake.valid_from,
        lake.valid_to,
        lake.z_plane_1_mm,
        lake.z_plane_2_mm,
        lake.z_plane_3_mm,
        lake.z_plane_4_mm,
        lake.lead_over_1_mm,
        lake.lead_12_mm,
        lake.lead_23_mm,
        lake.lead_34_mm,
        lake.trigger_1,
        lake.trigger_2,
        lake.trigger_3,
        lake.trigger_4,
        lake.phi_north_deg,
        lake.city,
        lake.comment,
        lake.source_file,
        lake.file_sha256,
        lake.fetched_at,
        lake.row_number,
        max(lake.fetched_at) over (partition by lake.station) as newest_fetched_at
    from {{ lake_scan('logbook') }} as lake
),

final as (
    select * exclude (newest_fetched_at)
    from lake
    where fetched_at = newest_fetched_at
)

select * from final
