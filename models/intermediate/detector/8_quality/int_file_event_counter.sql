{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}
{%- set bits = reject_bits() %}
{%- set strip_bits = {'no_calibration': 1, 't_dif_cal': 2, 'q_dif_cal': 4, 'q_sum_cal': 8, 'time_cal': 16} %}
{%- set track_bits = {'few_planes': 1, 'position': 2, 'slope': 4, 'slowness': 8, 'chi2': 16} %}

with

todo as (
    select * from {{ ref('int_file_todo') }}
    where lake_path is not null
),

raw_file as (
    select
        raw_file.file_id,
        raw_file.n_duplicate,
        raw_file.n_time_far
    from {{ ref('int_raw_file') }} as raw_file
    inner join todo on raw_file.lake_path = todo.lake_path
),

event_sum as (
    select
        file_id,
        count(*) filter (where event_class = 'self_trigger') as n_self_trigger,
        count(*) filter (where event_class = 'other') as n_other,
        count(*) filter (where event_class = 'coincidence') as n_coincidence,
        count(*) filter (where event_class = 'coincidence' and raw_tt >= 10) as n_raw_planes,
        count(*) filter (where event_class = 'coincidence' and clean_tt >= 10) as n_clean_planes,
        sum(n_time_only) as n_time_only
    from {{ ref('int_event_clean') }}
    where file_id in (select todo.file_id from todo)
    group by file_id
),

hit_sum as (
    select
        file_id,
        count(*) filter (where strip_state = 'two_ended') as n_two_ended,
        count(*) filter (where strip_state = 'one_ended') as n_one_ended,
        count(*) filter (where strip_state = 'time_only') as n_time_only,
        count(*) filter (where strip_state = 'none') as n_none
    from {{ ref('int_hit') }}
    where file_id in (select todo.file_id from todo)
    group by file_id
),

reject_sum as (
    select
        file_id,
        {%- for reason, bit in bits.items() if bit <= bits.pair_broken %}
        count(*) filter (where reject_mask_front & {{ bit }} != 0)
        + count(*) filter (where reject_mask_back & {{ bit }} != 0) as n_{{ reason }},
        {%- endfor %}
        count(*) filter (where reject_mask & {{ bits.t_dif_raw }} != 0) as n_t_dif_raw,
        count(*) filter (where reject_mask & {{ bits.time_raw }} != 0) as n_time_raw
    from {{ ref('int_hit') }}
    where file_id in (select todo.file_id from todo) and reject_mask != 0
    group by file_id
),

strip_sum as (
    select
        file_id,
        {%- for reason, bit in strip_bits.items() %}
        count(*) filter (where reject_mask & {{ bit }} != 0) as n_{{ reason }},
        {%- endfor %}
        count(*) filter (where is_crosstalk) as n_crosstalk,
        count(*) filter (where is_accepted) as n_accepted
    from {{ ref('int_strip_hit') }}
    where file_id in (select todo.file_id from todo)
    group by file_id
),

track_sum as (
    select
        file_id,
        {%- for label in ['cal', 'list', 'fit'] %}
        count(*) filter (where {{ label }}_tt >= 10) as n_{{ label }}_planes,
        {%- endfor %}
        {%- for reason, bit in track_bits.items() %}
        count(*) filter (where track_reject_mask & {{ bit }} != 0) as n_{{ reason }},
        {%- endfor %}
        count(*) filter (where removed_plane is not null) as n_plane_removed
    from {{ ref('fct_track') }}
    where file_id in (select todo.file_id from todo)
    group by file_id
),

wide as (
    select
        todo.file_id,
        raw_file.n_duplicate,
        raw_file.n_time_far,
        event_sum.n_self_trigger,
        event_sum.n_other,
        event_sum.n_coincidence,
        event_sum.n_raw_planes,
        event_sum.n_clean_planes,
        hit_sum.n_two_ended,
        hit_sum.n_one_ended,
        hit_sum.n_none,
        {%- for reason in bits %}
        reject_sum.n_{{ reason }},
        {%- endfor %}
        strip_sum.* exclude (file_id),
        track_sum.* exclude (file_id),
        coalesce(event_sum.n_time_only, 0) + coalesce(hit_sum.n_time_only, 0) as n_time_only
    from todo
    inner join raw_file on todo.file_id = raw_file.file_id
    left join event_sum on todo.file_id = event_sum.file_id
    left join hit_sum on todo.file_id = hit_sum.file_id
    left join reject_sum on todo.file_id = reject_sum.file_id
    left join strip_sum on todo.file_id = strip_sum.file_id
    left join track_sum on todo.file_id = track_sum.file_id
),

final as (
    {%- set counters = [
        ('staging', 'is_duplicate', 'event', 'n_duplicate'),
        ('staging', 'is_time_far', 'event', 'n_time_far'),
        ('raw', 'self_trigger', 'event', 'n_self_trigger'),
        ('raw', 'other_trigger', 'event', 'n_other'),
        ('raw', 'coincidence', 'event', 'n_coincidence'),
        ('raw', 'two_planes', 'event', 'n_raw_planes'),
        ('clean', 'no_trailing_edge', 'end', 'n_no_trailing_edge'),
        ('clean', 'no_leading_edge', 'end', 'n_no_leading_edge'),
        ('clean', 't_window', 'end', 'n_t_window'),
        ('clean', 'q_window', 'end', 'n_q_window'),
        ('clean', 'pair_broken', 'end', 'n_pair_broken'),
        ('clean', 't_dif_raw', 'strip', 'n_t_dif_raw'),
        ('clean', 'time_raw', 'strip', 'n_time_raw'),
        ('clean', 'two_ended', 'strip', 'n_two_ended'),
        ('clean', 'one_ended', 'strip', 'n_one_ended'),
        ('clean', 'time_only', 'strip', 'n_time_only'),
        ('clean', 'none', 'strip', 'n_none'),
        ('clean', 'two_planes', 'event', 'n_clean_planes'),
        ('cal', 'two_planes', 'event', 'n_cal_planes'),
        ('list', 'crosstalk', 'strip', 'n_crosstalk'),
        ('list', 'accepted', 'strip', 'n_accepted'),
        ('list', 'two_planes', 'event', 'n_list_planes'),
        ('fit', 'plane_removed', 'event', 'n_plane_removed'),
        ('fit', 'two_planes', 'event', 'n_fit_planes'),
    ] %}
    {%- for reason in strip_bits %}
    {%- do counters.append(('cal', reason, 'strip', 'n_' ~ reason)) %}
    {%- endfor %}
    {%- for reason in track_bits %}
    {%- do counters.append(('fit', reason, 'event', 'n_' ~ reason)) %}
    {%- endfor %}
    {%- for stage, reason, unit, counter in counters %}
    select
        file_id,
        '{{ stage }}' as stage,
        '{{ reason }}' as reason,
        '{{ unit }}' as unit,
        cast(coalesce({{ counter }}, 0) as bigint) as n
    from wide
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
