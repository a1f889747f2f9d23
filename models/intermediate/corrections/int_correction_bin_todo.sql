{#- Bins to build: all that touch a day to build. -#}
with

todo as (
    select * from {{ ref('int_correction_day_todo') }}
),

bin_width as (
    {{ bin_width_rows() }}
),

final as (
    select distinct
        todo.station_id,
        unnest(generate_series(
            {{ bin_start('todo.day_start', 'bin_width.bin_width_s') }},
            todo.day_start + interval 1 day - interval 1 microsecond,
            to_seconds(bin_width.bin_width_s)
        )) as bin_start,
        bin_width.bin_width_s
    from todo
    cross join bin_width
)

select * from final
