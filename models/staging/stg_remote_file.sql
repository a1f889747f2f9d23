with

final as (
    select
        lake.station_id,
        lake.source,
        lake.file_name,
        lake.file_size_bytes,
        lake.remote_modified_at,
        lake.file_id,
        lake.base_name,
        lake.start_time,
        lake.outcome,
        lake.is_implausible,
        lake.host,
        lake.directory,
        lake.listed_at
    from {{ lake_scan('remote_file', 'newest_remote_file') }} as lake
)

select * from final
