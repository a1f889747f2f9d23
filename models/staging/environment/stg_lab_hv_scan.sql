{% set settling_s = 300 %}
{% set highest_kv = 6.5 %}

with

lake as (
    select * from {{ lake_scan('lab_hv_scan') }}
),

-- a person corrects the table: of a file the newest form counts, of a step the newest row
newest_form as (
    select *
    from lake
    qualify dense_rank() over (
            partition by station_id, regexp_replace(parse_filename(source_file), '~[0-9]+$', '')
            order by fetched_at desc, remote_folder = 'done' desc, file_size_bytes desc, file_sha256 asc
        ) = 1
),

step as (
    select *
    from newest_form
    qualify row_number() over (
            partition by station_id, scan_id, step
            order by fetched_at desc, remote_folder = 'done' desc, source_file desc, line_number desc
        ) = 1
),

neighbour as (
    select
        *,
        coalesce(settled_at, started_at + interval {{ settling_s }} second) as used_from,
        max(ended_at) over (
            partition by station_id order by started_at, scan_id, step
            rows between unbounded preceding and 1 preceding
        ) > started_at as overlaps_earlier,
        min(started_at) over (
            partition by station_id order by started_at, scan_id, step
            rows between 1 following and unbounded following
        ) < ended_at as overlaps_later
    from step
),

judged as (
    select
        *,
        case
            when greatest(used_from, coalesce(ended_at, used_from)) > fetched_at + interval 10 minute then 'future'
            when hv_set_kv not between 0 and {{ highest_kv }} then 'bad_set_voltage'
            when ended_at is null then 'not_ended'
            when used_from < started_at or ended_at <= used_from then 'bad_order'
            when coalesce(overlaps_earlier, false) or coalesce(overlaps_later, false) then 'overlap'
        end as invalid_reason
    from neighbour
),

final as (
    select
        station_id,
        scan_id,
        step,
        hv_set_kv,
        started_at,
        used_from as settled_at,
        ended_at,
        comment,
        invalid_reason is null as is_valid,
        invalid_reason,
        {{ provenance_columns('judged') }}
    from judged
)

select * from final
