with

fit as (
    select * from {{ ref('int_cal_strip') }}
    {{ where_in_neighbourhood() }}
),

own as (
    {%- for constant in strip_constants() %}
    select
        file_id,
        plane,
        strip,
        '{{ constant }}' as constant,
        {{ constant_column(constant) }} as value_ns
    from fit
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

{{ choose_constants(strip_constants()) }},

final as (
    select * from chosen_constant
)

select * from final
