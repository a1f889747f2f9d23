{# A table, since every log staging model asks it which files are superseded, and the lake holds one file per row. #}
{{ config(materialized='table') }}

with

lake as (
    select
        station_id, kind, file_date_from, file_date_to, file_size_bytes, remote_folder, remote_modified_at, extracted_at,
        n_lines, n_blank, n_header, n_ok, n_short, n_rejects, n_pending_tail, status, detail, terms_text,
        {{ provenance_columns('env_file', has_line_number=false) }}
    from {{ lake_scan('env_file') }} as env_file
),

final as (
    select *
    from lake
    qualify row_number() over (
        partition by source_file, file_sha256
        order by parser_version desc, extracted_at desc
    ) = 1
)

select * from final
