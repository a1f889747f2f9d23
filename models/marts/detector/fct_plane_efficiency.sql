{{ config(
    materialized='incremental',
    incremental_strategy='replace_day',
    on_schema_change='append_new_columns',
    meta={'time_column': 'period_start', 'days': 'int_efficiency_day_todo'},
    tags=['publish'],
) }}

with

file as (
    select
        file_id,
        station_id,
        start_time
    from {{ ref('dim_file') }}
),

day_todo as (
    select * from {{ ref('int_efficiency_day_todo') }}
),

{# the files that are seen or begin on a day to be rebuilt #}
source as (
    select day_source.file_id
    from {{ ref('int_day_source') }} as day_source
    semi join day_todo on day_source.station_id = day_todo.station_id and day_source.day = day_todo.day
    union
    select file.file_id
    from file
    semi join day_todo on file.station_id = day_todo.station_id and cast(file.start_time as date) = day_todo.day
),

pattern as (
    select * from {{ ref('int_hour_pattern') }}
    where {{ 'false' if is_incremental() else 'true' }} or file_id in (select source.file_id from source)
),

label as (
    select * from {{ ref('tt_label') }}
),

rule as (
    select * from {{ ref('int_plane_pool_rule') }}
),

parameter as (
    select * from {{ ref('dim_detector_parameter') }}
),

{# the hour, the day and the file that each count belongs to #}
period_pattern as (
    select
        pattern.station_id,
        period.period_kind,
        period.period_start,
        period.period_file_id,
        pattern.file_id,
        pattern.list_tt,
        pattern.clean_tt,
        pattern.fiducial_mask,
        pattern.n_events
    from pattern
    inner join file on pattern.file_id = file.file_id
    cross join
        lateral (
            values
            ('hour', pattern.hour_start, null),
            ('day', date_trunc('day', pattern.hour_start), null),
            ('file', file.start_time, pattern.file_id)
        ) as period (period_kind, period_start, period_file_id)
    {{ where_day_todo('pattern.station_id', 'period.period_start', 'int_efficiency_day_todo') }}
),

masked as (
    select
        period_pattern.*,
        list_label.plane_mask as list_mask,
        clean_label.plane_mask as clean_mask
    from period_pattern
    inner join label as list_label on period_pattern.list_tt = list_label.tt
    inner join label as clean_label on period_pattern.clean_tt = clean_label.tt
),

{# one row a pattern, method, plane and label: was the plane tested, did it fire #}
tested as (
    select
        masked.station_id,
        masked.period_kind,
        masked.period_start,
        masked.period_file_id,
        rule.plane,
        rule.method,
        fired.label,
        rule.null_reason,
        if(
            rule.method = 'projection',
            {{ mask_has_plane('masked.fiducial_mask', 'rule.plane') }},
            fired.plane_mask & rule.other_mask = rule.other_mask
        ) as is_tested,
        {{ mask_has_plane('fired.plane_mask', 'rule.plane') }} as is_fired,
        masked.n_events
    from masked
    inner join rule on masked.file_id = rule.file_id
    cross join lateral (
        values ('list', masked.list_mask), ('clean', masked.clean_mask)
    ) as fired (label, plane_mask)
),

{# files whose plane cannot be measured do not enter; their reason shows where no other file does #}
counted as (
    select
        station_id,
        period_kind,
        period_start,
        period_file_id,
        plane,
        method,
        label,
        coalesce(sum(n_events) filter (where null_reason is null and is_tested), 0) as n_pool,
        coalesce(sum(n_events) filter (where null_reason is null and is_tested and is_fired), 0) as n_fired,
        if(bool_or(null_reason is null), null, max(null_reason)) as null_reason
    from tested
    group by station_id, period_kind, period_start, period_file_id, plane, method, label
),

judged as (
    select
        counted.* exclude (null_reason),
        case
            when counted.null_reason is not null then counted.null_reason
            when counted.n_pool < parameter.efficiency_min_pool then 'low_statistics'
        end as null_reason
    from counted
    inner join parameter on counted.station_id = parameter.station_id
),

final as (
    select
        station_id,
        period_kind,
        period_start,
        period_file_id as file_id,
        plane,
        method,
        label,
        cast(n_pool as bigint) as n_pool,
        cast(n_fired as bigint) as n_fired,
        if(null_reason is null, {{ efficiency('n_fired', 'n_pool') }}, null) as efficiency,
        if(null_reason is null, {{ efficiency_sigma('n_fired', 'n_pool') }}, null) as efficiency_sigma,
        null_reason
    from judged
)

select * from final
order by period_start, station_id, period_kind, plane, method, label
