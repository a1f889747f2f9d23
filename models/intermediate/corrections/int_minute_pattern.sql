{{ config(
    materialized='incremental',
    incremental_strategy='replace_correction_day',
    on_schema_change='append_new_columns',
    pre_hook="{{ correction_day_hook() }}"
) }}
{#- Patterns are numbered while they are added up: grouping by a small number is faster than grouping by a label. -#}
with

region as (
    select region_code from {{ ref('region_group') }}
    where group_code = 'all'
),

minute_count as (
    select
        cast(station_id as tinyint) as station_id,
        minute_start,
        tt_kind = 'list_tt' as is_list,
        cast(
            case tt
                {%- for tt in tt_labels() %}
                when '{{ tt }}' then {{ loop.index }}
                {%- endfor %}
                else 0
            end as utinyint
        ) as tt_number,
        region_code in (select region.region_code from region) as is_region,
        n_events,
        n_fid_1,
        n_fid_4
    from {{ ref('fct_minute_count') }}
    where
        tt_kind in ('{{ var("rate_tt_kind") }}', 'list_tt')
        and {{ in_correction_day('station_id', 'minute_start') }}
),

-- one row a minute and pattern first: it is a small fraction of the rows, and the wide pass runs over it
pattern_sum as (
    select
        station_id,
        minute_start,
        is_list,
        tt_number,
        sum(n_events) as n_all,
        coalesce(sum(n_events) filter (where is_region), 0) as n_region,
        -- no track in any region is a count of zero; a track whose fiducial test was not made leaves the sum unknown
        case when not bool_or(is_region and n_fid_1 is null) then coalesce(sum(n_fid_1) filter (where is_region), 0) end
            as n_fid_1,
        case when not bool_or(is_region and n_fid_4 is null) then coalesce(sum(n_fid_4) filter (where is_region), 0) end
            as n_fid_4
    from minute_count
    group by station_id, minute_start, is_list, tt_number
),

final as (
    select
        station_id,
        minute_start,
        {%- for tt in tt_labels() %}
        cast(sum(n_region) filter (where not is_list and tt_number = {{ loop.index }}) as bigint) as n_{{ tt }},
        {%- endfor %}
        {%- for plane, tt in fiducial_counts() %}
        cast(
            sum(n_fid_{{ plane }}) filter (where not is_list and tt_number = {{ tt_labels().index(tt) + 1 }}) as bigint
        ) as n_fid_{{ plane }}_{{ tt }},
        {%- endfor %}
        {%- for tt in tt_labels() %}
        cast(sum(n_all) filter (where is_list and tt_number = {{ loop.index }}) as bigint)
            as n_list_{{ tt }},
        {%- endfor %}
        cast(sum(n_all) filter (where not is_list) as bigint) as n_events
    from pattern_sum
    group by station_id, minute_start
)

select * from final
