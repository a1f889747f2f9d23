{#- Neutron monitors in the bins of the stations. Intervals that fill a bin are averaged; where none do (bins finer than
    the intervals, or two time bases that do not nest) the interval whose middle is nearest stands for the bin: if it
    contains the bin, it is always the nearest. -#}
{%- set min_share = 0.8 -%}
{%- set rotation_days = 27 -%}
with

intervals as (
    select * from {{ ref('fct_nmdb') }}
),

hours as (
    select * from {{ ref('fct_nmdb_hour') }}
),

reference_interval as (
    select * from {{ ref('reference_interval') }}
),

bin_width as (
    {{ bin_width_rows() }}
),

by_width as (
    select
        intervals.*,
        bin_width.bin_width_s,
        {{ bin_start('intervals.interval_start', 'bin_width.bin_width_s') }} as bin_start
    from intervals
    cross join bin_width
),

averaged as (
    select
        nm_code,
        bin_start,
        bin_width_s,
        resolution_s,
        case
            when count(rate_hz) * resolution_s >= {{ min_share }} * bin_width_s
                then {{ exact_sum('rate_hz') }} / count(rate_hz)
        end as rate_hz,
        count(rate_hz) as n_bins,
        0 as dt_s
    from by_width
    where bin_width_s != 3600 and bin_width_s % resolution_s = 0
    group by nm_code, bin_start, bin_width_s, resolution_s
),

around as (
    select
        * replace (
            unnest(generate_series(
                bin_start - to_seconds(bin_width_s),
                interval_start + to_seconds(resolution_s + bin_width_s),
                to_seconds(bin_width_s)
            )) as bin_start
        )
    from by_width
    where bin_width_s % resolution_s != 0 and rate_hz is not null
),

nearby as (
    select
        *,
        epoch(interval_start - bin_start) + (resolution_s - bin_width_s) / 2 as dt_s
    from around
),

candidate as (
    select
        nm_code,
        interval_start as bin_start,
        resolution_s as bin_width_s,
        native_resolution_s as resolution_s,
        rate_hz,
        n_bins,
        0 as dt_s
    from hours
    union all
    select * from averaged
    union all
    select
        nm_code,
        bin_start,
        bin_width_s,
        resolution_s,
        rate_hz,
        1 as n_bins,
        dt_s
    from nearby
    where abs(dt_s) <= greatest(resolution_s, bin_width_s) / 2
),

-- a value before none, then the nearest, then the finest, then the earlier
bin as (
    select * from candidate
    qualify row_number() over (
            partition by nm_code, bin_start, bin_width_s
            order by rate_hz is null asc, abs(dt_s) asc, resolution_s asc, dt_s asc
        ) = 1
),

{{ reference_ctes('bin', 'rate_hz', ['nm_code', 'bin_width_s']) }}

relative as (
    select
        bin.*,
        100 * (bin.rate_hz / reference.mean - 1) as rel_pct,
        reference.reference_status
    from bin
    inner join reference using (nm_code, bin_width_s)
),

-- a day of values makes a median: the daily wave of the flux is in it
compared as (
    select
        *,
        case
            when count(rel_pct) over before * bin_width_s >= 86400
                then rel_pct < median(rel_pct) over before - {{ var('primary_disturbed_drop_pct') }}
        end as is_low
    from relative
    window before as (
        partition by nm_code, bin_width_s order by bin_start
        range between interval {{ rotation_days }} days preceding and interval 1 second preceding
    )
),

final as (
    select
        nm_code,
        bin_start,
        bin_width_s,
        rate_hz,
        cast(n_bins as integer) as n_bins,
        cast(n_bins * resolution_s as integer) as counted_s,
        cast(dt_s as double) as dt_s,
        rel_pct,
        reference_status,
        bool_or(is_low) over (
            partition by nm_code, bin_width_s order by bin_start
            range between interval 24 hours preceding and current row
        ) as is_disturbed
    from compared
)

select * from final
