{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

todo as (
    select * from {{ ref('int_file_todo') }}
    where lake_path is not null
),

parameter as (
    select
        file_id,
        q_bin_ns,
        t_dif_bin_ns
    from {{ ref('int_file_parameter') }}
),

hit as (
    select
        file_id,
        plane,
        strip,
        q_front_ns,
        q_back_ns,
        {{ half_difference('t_back_ns', 't_front_ns') }} as t_dif_ns
    from {{ ref('int_hit') }}
    where
        file_id in (select todo.file_id from todo)
        and trigger_type = 1
        and strip_state = 'two_ended'
),

binned as (
    select
        hit.file_id,
        hit.plane,
        hit.strip,
        cast(floor(hit.q_front_ns / parameter.q_bin_ns) as integer) as q_front,
        cast(floor(hit.q_back_ns / parameter.q_bin_ns) as integer) as q_back,
        cast(floor(hit.t_dif_ns / parameter.t_dif_bin_ns) as integer) as t_dif
    from hit
    inner join parameter on hit.file_id = parameter.file_id
),

final as (
    {%- for kind in ['q_front', 'q_back', 't_dif'] %}
    select
        file_id,
        '{{ kind }}' as kind,
        plane,
        strip,
        {{ kind }} as bin_index,
        count(*) as n
    from binned
    group by file_id, plane, strip, {{ kind }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select * from final
