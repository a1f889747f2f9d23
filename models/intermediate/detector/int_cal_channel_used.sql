with

own as (
    select
        file_id,
        plane,
        strip,
        constant,
        value_ns
    from {{ ref('int_cal_channel') }}
),

{{ choose_constants(channel_constants()) }},

final as (
    select * from chosen_constant
)

select * from final
