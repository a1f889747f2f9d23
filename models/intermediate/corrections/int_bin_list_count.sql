{{ config(
    materialized='incremental',
    incremental_strategy='replace_correction_bin',
    on_schema_change='append_new_columns',
    pre_hook="{{ correction_bin_hook() }}"
) }}
{#- Counts of the accidentals report: patterns as the strips show them, before a track is asked for. -#}
with

pattern as (
    select * from {{ ref('int_minute_pattern') }}
    where {{ within_correction_time('minute_start') }}
),

used_minute as (
    select
        station_id,
        minute_start
    from {{ ref('large_table') }}
    where live_s > 0 and not is_bad_minute
),

minute as (
    select pattern.*
    from pattern
    semi join used_minute using (station_id, minute_start)
),

binned as (
    {{ binned('minute') }}
),

final as (
    select
        station_id,
        bin_start,
        bin_width_s,
        {%- for tt in tt_labels() %}
        cast(coalesce(sum(n_list_{{ tt }}), 0) as bigint) as n_list_{{ tt }}{%- if not loop.last %},{% endif %}
        {%- endfor %}
    from binned
    group by station_id, bin_start, bin_width_s
)

select * from final
