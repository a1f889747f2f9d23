with used_minute as (
    select
        station_id,
        minute_start,
    from {{ ref('large_table') }}
    where live_s > 0 and not is_bad_minute
),

telescope_count as (
    select
        cast(station_id as tinyint) as station_id,
        minute_start,
        region_code,
        n_events,
    from {{ ref('fct_minute_count') }}
    where
        tt_kind = '{{ var("rate_tt_kind") }}'
        and tt in ('1234', '124', '134')
        and region_code in ('{{ region_codes() | join("', '") }}')
),

bin_width as (
    {{ bin_width_rows() }}
),

final as (
    select
        telescope_count.station_id,
        {{ bin_start('telescope_count.minute_start', 'bin_width.bin_width_s') }} as bin_start,
        bin_width.bin_width_s,
        telescope_count.region_code,
        cast(sum(telescope_count.n_events) as bigint) as n_tel,
    from telescope_count
    inner join used_minute
        on
            telescope_count.station_id = used_minute.station_id
            and telescope_count.minute_start = used_minute.minute_start
    cross join bin_width
    group by all
)

select * from final
