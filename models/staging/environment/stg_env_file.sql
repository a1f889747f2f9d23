with

lake as (
    select
        env_file.station_id,
        env_file.kind,
        env_file.file_date_from,
        env_file.file_date_to,
        env_file.file_size_bytes,
        env_file.remote_folder,
        env_file.remote_modified_at,
        env_file.extracted_at,
        env_file.n_lines,
        env_file.n_blank,
        env_file.n_header,
        env_file.n_ok,
        env_file.n_short,
        env_file.n_rejects,
        env_file.n_pending_tail,
        env_file.status,
        env_file.detail,
        env_file.terms_text,
        {{ provenance_columns('env_file', has_line_number=false) }}
    from {{ ref('base_env_file') }} as env_file
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
