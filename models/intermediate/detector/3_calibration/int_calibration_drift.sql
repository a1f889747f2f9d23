{{ config(materialized='view', tags=['publish']) }}
{%- set constants = [
    'q_pedestal_front_ns', 'q_pedestal_back_ns', 't_dif_offset_ns', 't_sum_offset_ns', 'crosstalk_limit_ns',
] %}

with

calibration as (
    select * from {{ ref('fct_calibration') }}
),

long as (
    {%- for constant in constants %}
    select
        station_id,
        cast(valid_from as date) as day,
        plane,
        strip,
        '{{ constant }}' as constant,
        {{ constant }} as value
    from calibration
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

final as (
    select
        station_id,
        day,
        plane,
        strip,
        constant,
        median(value) as median,
        mad(value) as mad,
        count(*) as n_files
    from long
    where value is not null
    group by station_id, day, plane, strip, constant
)

select * from final
