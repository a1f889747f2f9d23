with

final as (
    select
        lake.station_id,
        lake.is_warning,
        lake.reason,
        lake.detail,
        lake.row_text,
        lake.source_file,
        lake.file_sha256,
        lake.fetched_at,
        lake.row_number
    from {{ lake_scan('logbook_reject') }} as lake
)

select * from final
