{# The mean that stands for 0 % of a series: over the interval of the seed `reference_interval` where the series covers
   half of it, else over its first 27 days (one rotation of the Sun, which averages the 27-day wave out) that are half
   covered. CTEs, the last one `reference` (series, mean, reference_status: ok, own or none). Needs a CTE
   `reference_interval` and the CTE `relation` with `series`, bin_start, bin_width_s and `value`; rows without a value or
   `condition` do not count. #}
{% macro reference_ctes(relation, value, series, condition='true', own_days=27, min_share=0.5) -%}
{%- set names = series | join(', ') -%}
fixed_reference as (
    select
        {% for name in series %}{{ relation }}.{{ name }}, {% endfor %}
        {{ exact_sum(relation ~ '.' ~ value) }} / count(*) as mean,
        count(*) * any_value({{ relation }}.bin_width_s)
        / epoch(any_value(reference_interval.end_at - reference_interval.start_at)) as share
    from {{ relation }}
    inner join reference_interval
        on
            {{ relation }}.bin_start >= reference_interval.start_at
            and {{ relation }}.bin_start + to_seconds({{ relation }}.bin_width_s) <= reference_interval.end_at
    where {{ relation }}.{{ value }} is not null and {{ condition }}
    group by {% for name in series %}{{ relation }}.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
),

reference_day as (
    select
        {{ names }},
        any_value(bin_width_s) as width_s,
        date_trunc('day', bin_start) as day_start,
        {{ exact_sum(value) }} as day_sum,
        count(*) as n_values
    from {{ relation }}
    where {{ value }} is not null and {{ condition }}
    group by {{ names }}, date_trunc('day', bin_start)
),

rotation as (
    select
        {{ names }},
        day_start,
        width_s,
        sum(day_sum) over days / sum(n_values) over days as mean,
        sum(n_values) over days * width_s / ({{ own_days }} * 86400) as share
    from reference_day
    window days as (
        partition by {{ names }} order by day_start
        range between current row and interval {{ own_days - 1 }} days following
    )
),

own_reference as (
    select
        {{ names }},
        arg_min(mean, day_start) as mean
    from rotation
    where share >= {{ min_share }}
    group by {{ names }}
),

reference_series as (
    select distinct {{ names }} from {{ relation }}
),

reference as (
    select
        reference_series.*,
        coalesce(fixed_reference.mean, own_reference.mean) as mean,
        case
            when fixed_reference.mean is not null then 'ok'
            when own_reference.mean is not null then 'own'
            else 'none'
        end as reference_status
    from reference_series
    left join fixed_reference
        on
            fixed_reference.share >= {{ min_share }}
            {%- for name in series %}
            and reference_series.{{ name }} is not distinct from fixed_reference.{{ name }}
            {%- endfor %}
    left join own_reference
        on
            {%- for name in series %}
            {{ 'and ' if not loop.first }}reference_series.{{ name }} is not distinct from own_reference.{{ name }}
            {%- endfor %}
),
{%- endmacro %}
