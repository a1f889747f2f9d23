{# The quality of the time sum fit is one row a file, repeated in the 16 rows of `int_cal_time_sum`. #}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

time_sum as (
    select * from {{ ref('int_cal_time_sum') }}
    {{ where_in_run() }}
),

slewing as (
    select * from {{ ref('int_cal_slewing') }}
),

gauge as (
    select
        file_id,
        any_value(t_sum_gauge) as t_sum_gauge
    from {{ ref('int_cal_strip') }}
    {{ where_in_run() }}
    group by file_id
),

failure as (
    select
        file_id,
        plane,
        strip,
        concat_ws(' ', 'plane', plane, 'strip', strip, nullif(side, 'both'), detail) as detail
    from {{ ref('int_cal_channel') }}
    {{ where_in_run() }} and detail is not null
    union all
    select
        file_id,
        plane,
        strip,
        concat_ws(' ', 'plane', plane, 'strip', strip, detail) as detail
    from {{ ref('int_cal_charge') }}
    {{ where_in_run() }} and detail is not null
),

strip_failure as (
    select
        file_id,
        string_agg(detail, '; ' order by plane, strip, detail) as detail
    from failure
    group by file_id
),

final as (
    select
        time_sum.file_id,
        gauge.t_sum_gauge,
        time_sum.n_links,
        time_sum.link_rms_ps,
        time_sum.link_chi2_ndf,
        time_sum.n_components,
        time_sum.last_change_ps,
        time_sum.crt_ps,
        time_sum.crt_corrected_ps,
        nullif(concat_ws('; ', time_sum.detail, slewing.detail, strip_failure.detail), '') as detail
    from time_sum
    inner join gauge on time_sum.file_id = gauge.file_id
    left join slewing
        on
            time_sum.file_id = slewing.file_id
            and time_sum.plane = slewing.plane
            and time_sum.strip = slewing.strip
    left join strip_failure on time_sum.file_id = strip_failure.file_id
    where time_sum.plane = 1 and time_sum.strip = 1
)

select * from final
