{#- What the primary flux does at a station: in each calendar month the first of its neutron monitors that has four
    fifths of the station's bins. Bins later than all monitor data do not count: no monitor could have them yet. -#}
{%- set min_share = 0.8 -%}
with

bin_count as (
    select
        station_id,
        bin_start,
        bin_width_s,
        date_trunc('month', bin_start) as month_start
    from {{ ref('int_bin_count') }}
),

station_monitor as (
    select * from {{ ref('station_monitor') }}
),

primary_bin as (
    select * from {{ ref('fct_primary') }}
),

newest as (
    select
        bin_width_s,
        max(bin_start) as newest_bin_start
    from primary_bin
    where rel_pct is not null
    group by bin_width_s
),

covered as (
    select
        bin_count.station_id,
        bin_count.bin_width_s,
        bin_count.month_start,
        station_monitor.nm_code,
        station_monitor.priority,
        count(primary_bin.rel_pct) / count(*) as share
    from bin_count
    inner join newest
        on bin_count.bin_width_s = newest.bin_width_s and bin_count.bin_start <= newest.newest_bin_start
    inner join station_monitor using (station_id)
    left join primary_bin
        on
            station_monitor.nm_code = primary_bin.nm_code
            and bin_count.bin_start = primary_bin.bin_start
            and bin_count.bin_width_s = primary_bin.bin_width_s
    group by all
),

chosen as (
    select
        station_id,
        bin_width_s,
        month_start,
        arg_min(nm_code, priority) as primary_code
    from covered
    where share >= {{ min_share }}
    group by all
),

final as (
    select
        bin_count.station_id,
        bin_count.bin_start,
        bin_count.bin_width_s,
        primary_bin.rel_pct as primary_pct,
        chosen.primary_code,
        primary_bin.is_disturbed as is_primary_disturbed
    from bin_count
    left join chosen using (station_id, bin_width_s, month_start)
    left join primary_bin
        on
            chosen.primary_code = primary_bin.nm_code
            and bin_count.bin_start = primary_bin.bin_start
            and bin_count.bin_width_s = primary_bin.bin_width_s
)

select * from final
