with

own as (
    select
        file_id,
        plane,
        strip,
        constant,
        value_ns
    from {{ ref('int_cal_channel') }}
    {{ where_in_neighbourhood() }}
),

{{ choose_constants(channel_constants()) }},

final as (
    select * from chosen_constant
)

select * from final
