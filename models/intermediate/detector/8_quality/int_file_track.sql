{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

track as (
    select
        *,
        slowness_ns_per_mm * {{ speed_of_light_mm_per_ns() }} as slowness_c
    from {{ ref('fct_track') }}
    {{ where_file_todo() }}
),

label as (
    select * from {{ ref('tt_label') }}
),

final as (
    select
        track.file_id,
        count(*) as n_coincidence,
        count(*) filter (where clean_label.n_planes >= 2) as n_clean,
        count(*) filter (where list_label.n_planes >= 2) as n_list,
        count(*) filter (where track.is_track) as n_tracks,
        count(*) filter (where track.removed_plane is not null) as n_removed_plane,
        median(track.slowness_c) filter (where track.is_track and list_label.n_planes >= 3) as slowness_c_median,
        avg(track.chi2 / track.ndf) filter (where track.is_track and track.ndf > 0) as chi2_per_ndf_mean
    from track
    inner join label as clean_label on track.clean_tt = clean_label.tt
    inner join label as list_label on track.list_tt = list_label.tt
    group by track.file_id
)

select * from final
order by file_id
