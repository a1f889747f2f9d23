{# Own fits of the second pass of every file. With slewing the offsets are those fitted together with it. Where plane 1
   strip 1 has no link the offsets of a file are relative to another strip; they are shifted onto those of the last file
   before that has them relative to plane 1 strip 1 (else the next one after it), by the mean difference over the strips
   both have. #}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}
{%- set columns = [
    'file_id', 'plane', 'strip', 'q_fb_c0', 'q_fb_c1', 'q_fb_c2', 'q_fb_c3', 'q_fb_c4', 'q_fb_low_ns', 'q_fb_high_ns',
    'q_fb_degree', 'n_front_back', 'crosstalk_mu_ns', 'crosstalk_sigma_ns', 'crosstalk_pedestal_ns',
    'crosstalk_limit_ns', 'crosstalk_fit', 'n_crosstalk',
] %}

with

charge as (
    select * from {{ ref('int_cal_charge') }}
    {{ where_in_run() }}
),

file as (
    select
        file_id,
        station_id,
        coalesce(conf_number, -1) as conf_number,
        start_time
    from {{ ref('dim_file') }}
),

{# one row a file: the strip that is at 0 #}
gauge as (
    select
        file_id,
        t_sum_gauge
    from {{ ref('int_cal_time_sum') }}
    where t_sum_offset_ns = 0 and (t_sum_gauge = 'lowest' or (plane = 1 and strip = 1))
),

loose as (
    select file.*
    from file
    inner join gauge on file.file_id = gauge.file_id and gauge.t_sum_gauge = 'lowest'
    where file.file_id in (select todo.file_id from {{ ref('int_file_todo') }} as todo)
),

anchored as (
    select file.*
    from file
    inner join gauge on file.file_id = gauge.file_id and gauge.t_sum_gauge = 'p1s1'
),

anchor as (
    select
        loose.file_id,
        anchored.file_id as anchor_file_id
    from loose
    inner join anchored on loose.station_id = anchored.station_id and loose.conf_number = anchored.conf_number
    qualify row_number() over (
            partition by loose.file_id
            order by
                anchored.start_time < loose.start_time desc,
                abs(epoch(anchored.start_time) - epoch(loose.start_time)),
                anchored.file_id
        ) = 1
),

wanted as (
    select file_id from {{ ref('int_file_todo') }}
    union all
    select anchor_file_id as file_id from anchor
),

time_sum as (
    select
        time_sum.* exclude (t_sum_offset_ns),
        slewing.t_slew_ns,
        slewing.t_slew_ref,
        slewing.t_slew_low,
        slewing.t_slew_high,
        coalesce(slewing.t_sum_offset_ns, time_sum.t_sum_offset_ns) as t_sum_offset_ns
    from {{ ref('int_cal_time_sum') }} as time_sum
    left join {{ ref('int_cal_slewing') }} as slewing
        on
            time_sum.file_id = slewing.file_id
            and time_sum.plane = slewing.plane
            and time_sum.strip = slewing.strip
    where time_sum.file_id in (select wanted.file_id from wanted)
),

shift as (
    select
        anchor.file_id,
        avg(anchor_fit.t_sum_offset_ns - loose_fit.t_sum_offset_ns) as shift_ns
    from anchor
    inner join time_sum as loose_fit on anchor.file_id = loose_fit.file_id
    inner join time_sum as anchor_fit
        on
            anchor.anchor_file_id = anchor_fit.file_id
            and loose_fit.plane = anchor_fit.plane
            and loose_fit.strip = anchor_fit.strip
    where loose_fit.t_sum_offset_ns is not null and anchor_fit.t_sum_offset_ns is not null
    group by anchor.file_id
),

final as (
    select
        {%- for column in columns %}
        charge.{{ column }},
        {%- endfor %}
        time_sum.t_sum_offset_ns + coalesce(shift.shift_ns, 0) as t_sum_offset_ns,
        time_sum.t_sum_sigma_ps,
        time_sum.t_slew_ns,
        time_sum.t_slew_ref,
        time_sum.t_slew_low,
        time_sum.t_slew_high,
        if(shift.shift_ns is null, time_sum.t_sum_gauge, 'previous') as t_sum_gauge,
        time_sum.n_strip_links as n_links,
        charge.detail
    from charge
    inner join time_sum
        on
            charge.file_id = time_sum.file_id
            and charge.plane = time_sum.plane
            and charge.strip = time_sum.strip
    left join shift on charge.file_id = shift.file_id
)

select * from final
