{#- Daily sums for the regressions: months, clusters of five days and rolling windows are all made of whole days. -#}
with

pressure_row as (
    select * from {{ ref('int_pressure_row') }}
),

final as (
    select
        target_kind,
        target_code,
        series_start,
        group_code,
        date_trunc('day', bin_start) as day_start,
        date_trunc('month', bin_start) as month_start,
        {{ line_sums() }},
        count(*) filter (where fit_exclusion_reason is not null) as n_excluded_rows,
        count(*) filter (where is_usable) as n_usable,
        count(*) filter (where is_usable and has_pressure) as n_with_pressure,
        count(*) filter (where fit_exclusion_reason is null or fit_exclusion_reason = 'few_counts') as n_but_positive
    from pressure_row
    group by all
)

select * from final
