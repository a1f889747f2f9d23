{{ config(materialized='table') }}

with

complete as (
    select
        nmdb.nm_code,
        nmdb.interval_start,
        nmdb.resolution_s,
        nmdb.dtype,
        nmdb.nm_table,
        nmdb.rate_hz,
        nmdb.pressure_hpa,
        nmdb.value_type,
        nmdb.is_partial,
        nmdb.product,
        {{ provenance_columns('nmdb') }}
    from {{ ref('base_nmdb') }} as nmdb
    where not nmdb.is_partial
),

judged as (
    select
        *,
        count(coalesce(rate_hz, pressure_hpa)) over monitor = 0 as is_silent
    from complete
    window monitor as (partition by source_file, file_sha256, dtype, nm_code)
),

final as (
    select * exclude (is_silent)
    from judged
    qualify row_number() over (
            partition by nm_code, interval_start, dtype, resolution_s, nm_table
            order by is_silent asc, fetched_at desc, file_sha256 asc, line_number desc
        ) = 1
)

select * from final
