with

final as (
    select distinct
        env_reject.station_id,
        env_reject.kind,
        env_reject.line_text,
        env_reject.reason,
        env_reject.detail,
        {{ provenance_columns('env_reject') }}
    from {{ lake_scan('env_reject') }} as env_reject
)

select * from final
