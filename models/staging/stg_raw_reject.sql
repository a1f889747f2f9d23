with

final as (
    select
        lake.file_id,
        lake.station_id,
        lake.line_number,
        lake.fragment_number,
        lake.is_fragment,
        lake.reason,
        lake.detail,
        lake.n_tokens,
        lake.n_bytes,
        lake.line_text
    from {{ lake_scan('raw_reject') }} as lake
)

select * from final
