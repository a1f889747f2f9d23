{# Differences of the time sums of the strips with the largest charge in two planes, less the flight time of a particle
   along the straight line between them. #}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

{{ link_pairs() }},

final as (
    select
        pair.file_id,
        pair.plane_a,
        pair.strip_a,
        pair.plane_b,
        pair.strip_b,
        cast(floor(pair.difference_ns / parameter.link_bin_ns) as integer) as bin_index,
        count(*) as n
    from pair
    inner join parameter on pair.file_id = parameter.file_id
    where abs(pair.difference_ns) < parameter.link_window_first_ns
    group by pair.file_id, pair.plane_a, pair.strip_a, pair.plane_b, pair.strip_b, bin_index
)

select * from final
