with

terms as (
    select * from {{ ref('source_terms') }}
),

files as (
    select * from {{ ref('stg_env_file') }}
),

newest_header as (
    select
        source,
        kind,
        terms_text,
        fetched_at
    from files
    where terms_text is not null and status in ('ok', 'superseded')
    qualify row_number() over (partition by source, kind order by fetched_at desc, file_sha256 asc) = 1
),

header as (
    select
        source,
        string_agg(terms_text, chr(10) || chr(10) order by kind) as header_text,
        max(fetched_at) as header_fetched_at
    from newest_header
    group by source
),

final as (
    select
        terms.source,
        terms.title,
        terms.provider_url,
        terms.acknowledgement,
        terms.citations,
        terms.licence,
        header.header_text,
        header.header_fetched_at
    from terms
    left join header
        on terms.source = header.source
)

select * from final
