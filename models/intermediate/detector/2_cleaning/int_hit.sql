{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
    pre_hook="{{ todo_hook() }}",
) }}
{%- set bits = reject_bits() %}
{%- set time_lost = bits.t_window + bits.pair_broken + bits.t_dif_raw + bits.time_raw %}

with

raw_hit as (
    select * from {{ ref('stg_raw_hit') }}
),

parameter as (
    select * from {{ ref('int_file_parameter') }}
),

{# as precise as the values, so that a value equal to a limit is inside #}
limits as (
    {%- for is_self_trigger, prefix in [('false', ''), ('true', 'self_')] %}
    select
        file_id,
        {{ is_self_trigger }} as is_self_trigger,
        cast({{ prefix }}t_window_low_ns as float) as t_low_ns,
        cast({{ prefix }}t_window_high_ns as float) as t_high_ns,
        cast({{ prefix }}q_window_low_ns as float) as q_low_ns,
        cast({{ prefix }}q_window_high_ns as float) as q_high_ns,
        cast(trailing_tolerance_ns as float) as trailing_tolerance_ns,
        cast(t_dif_raw_max_ns as float) as t_dif_raw_max_ns
    from parameter
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

{# each end by itself, then the two ends of a strip; a strip is two-ended so far where its mask_both is not NULL #}
strip_checked as (
    select
        raw_hit.file_id,
        raw_hit.event_number,
        raw_hit.trigger_type,
        raw_hit.plane,
        raw_hit.strip,
        raw_hit.t_front_ns,
        raw_hit.t_back_ns,
        raw_hit.q_front_ns,
        raw_hit.q_back_ns,
        cast({{ end_reject_mask('raw_hit.t_front_ns', 'raw_hit.q_front_ns', 'limits') }} as utinyint) as mask_front,
        cast({{ end_reject_mask('raw_hit.t_back_ns', 'raw_hit.q_back_ns', 'limits') }} as utinyint) as mask_back,
        case
            when
                mask_front = 0 and mask_back = 0
                and raw_hit.t_front_ns is not null and raw_hit.q_front_ns is not null
                and raw_hit.t_back_ns is not null and raw_hit.q_back_ns is not null
                then cast(
                        if(
                            abs({{ half_difference('raw_hit.t_back_ns', 'raw_hit.t_front_ns') }})
                            > limits.t_dif_raw_max_ns,
                            {{ bits.t_dif_raw }},
                            0
                        ) as utinyint
                    )
        end as mask_both
    from raw_hit
    inner join limits on raw_hit.file_id = limits.file_id and (raw_hit.trigger_type = 2) = limits.is_self_trigger
    where
        raw_hit.q_front_ns is not null
        or raw_hit.q_back_ns is not null
        or raw_hit.t_front_ns not between limits.t_low_ns and limits.t_high_ns
        or raw_hit.t_back_ns not between limits.t_low_ns and limits.t_high_ns
),

{# only where strips are further apart than the window is wide can one of them lie outside #}
reference as (
    select
        strip.file_id,
        strip.event_number,
        arg_max(
            {{ half_sum('strip.t_front_ns', 'strip.t_back_ns') }},
            {{ raw_charge_rank('strip.q_front_ns', 'strip.q_back_ns', 'strip.plane', 'strip.strip') }}
        ) as t_sum_ns,
        any_value(cast(parameter.coincidence_raw_half_ns as float)) as half_ns
    from strip_checked as strip
    inner join parameter on strip.file_id = parameter.file_id
    where strip.mask_both = 0
    group by strip.file_id, strip.event_number
    having
        max({{ half_sum('strip.t_front_ns', 'strip.t_back_ns') }})
        - min({{ half_sum('strip.t_front_ns', 'strip.t_back_ns') }}) > half_ns
),

event_checked as (
    select
        strip_checked.* exclude (mask_both),
        case
            when
                strip_checked.mask_both = 0
                and abs({{ half_sum('strip_checked.t_front_ns', 'strip_checked.t_back_ns') }} - reference.t_sum_ns)
                > reference.half_ns
                then {{ bits.time_raw }}
            else coalesce(strip_checked.mask_both, 0)
        end as mask_both
    from strip_checked
    left join reference
        on strip_checked.file_id = reference.file_id and strip_checked.event_number = reference.event_number
),

final as (
    select
        file_id,
        event_number,
        trigger_type,
        plane,
        strip,
        cast(mask_front + mask_both as integer) as reject_mask_front,
        cast(mask_back + mask_both as integer) as reject_mask_back,
        reject_mask_front | reject_mask_back as reject_mask,
        reject_mask_front = 0 and t_front_ns is not null and q_front_ns is not null as is_front_good,
        reject_mask_back = 0 and t_back_ns is not null and q_back_ns is not null as is_back_good,
        case
            when is_front_good and is_back_good then 'two_ended'
            when is_front_good or is_back_good then 'one_ended'
            when (t_front_ns is not null or t_back_ns is not null) and q_front_ns is null and q_back_ns is null
                then 'time_only'
            else 'none'
        end as strip_state,
        if(reject_mask_front & {{ time_lost }} = 0, t_front_ns, null) as t_front_ns,
        if(reject_mask_back & {{ time_lost }} = 0, t_back_ns, null) as t_back_ns,
        if(is_front_good, q_front_ns, null) as q_front_ns,
        if(is_back_good, q_back_ns, null) as q_back_ns
    from event_checked
)

select * from final
