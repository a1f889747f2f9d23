{# Barometric correction: ln r = a + beta (P - P_ref) / 100, beta in % per hPa, negative because more air absorbs more muons. #}

{# Factor that brings a rate to the reference pressure. #}
{% macro pressure_factor(beta, delta) -%}
    exp(-{{ beta }} / 100 * {{ delta }})
{%- endmacro %}

{# 1 sigma of rate x factor: errors of the rate, of the coefficient and of the barometer, independent of each other. #}
{% macro pressure_corrected_sigma(rate, sigma, factor, beta, beta_sigma, delta, pressure_sigma) -%}
    sqrt(
        pow({{ factor }} * {{ sigma }}, 2)
        + pow({{ rate }} * {{ factor }} * {{ delta }} / 100 * {{ beta_sigma }}, 2)
        + pow({{ rate }} * {{ factor }} * {{ beta }} / 100 * {{ pressure_sigma }}, 2)
    )
{%- endmacro %}

{# Number of the cluster of five days, from 1970, that a moment lies in. #}
{% macro cluster_number(moment) -%}
    cast(floor(epoch({{ moment }}) / 432000) as integer)
{%- endmacro %}

{# Start of that cluster. #}
{% macro cluster_start(number) -%}
    (timestamp '1970-01-01' + to_days(5 * cast({{ number }} as integer)))
{%- endmacro %}

{# Until when the rows of a range that is still open are fitted: the end of its last full month, or all of them before
   there is one. It moves once a month, so that published rates change on a known date only. #}
{% macro fit_until(range_start, range_end) -%}
    case
        when
            date_trunc('month', {{ range_end }})
            <= date_trunc('month', {{ range_start }} - interval 1 microsecond) + interval 1 month
            then {{ range_end }}
        else date_trunc('month', {{ range_end }})
    end
{%- endmacro %}

{# True where a value is more than 5 standard deviations from the median around it, these taken from the median absolute
   deviation (of a normal distribution, 1.4826 of it), which a few wild values do not move. #}
{% macro is_far_from_median(value, around) -%}
    abs({{ value }} - median({{ value }}) over {{ around }}) > 5 * 1.4826 * mad({{ value }}) over {{ around }}
{%- endmacro %}

{# How many rows of a fit there are, by what they have. #}
{% macro row_counts() %}{{ return(['n_excluded_rows', 'n_usable', 'n_with_pressure', 'n_but_positive']) }}{% endmacro %}

{% macro summed_row_counts() -%}
    {%- for name in row_counts() -%}
    cast(sum({{ name }}) as bigint) as {{ name }}{% if not loop.last %},
    {% endif %}
    {%- endfor -%}
{%- endmacro %}

{# Columns of a coefficient from a row of `block_regression`. #}
{% macro line_result(fit) -%}
    cast({{ fit }}.n_rows as bigint) as n_rows,
    cast({{ fit }}.n_blocks as integer) as n_blocks,
    cast({{ fit }}.n_clusters as integer) as n_clusters,
    100 * {{ fit }}.slope as beta_pct_per_hpa,
    100 * {{ fit }}.slope_sigma_stat as beta_sigma_stat_pct_per_hpa,
    100 * {{ fit }}.slope_sigma as beta_sigma_pct_per_hpa,
    exp({{ fit }}.mean_y - {{ fit }}.slope * {{ fit }}.mean_x) as rate_at_p_ref_hz,
    {{ fit }}.r2,
    {{ fit }}.chi2_ndf
{%- endmacro %}

{# The direction groups of a station whose rolling coefficients are fitted, quoted. #}
{% macro rolling_groups() %}
    {%- set groups = var('pressure_rolling_groups') -%}
    {%- set allowed = ['all'] + direction_groups() + region_codes() -%}
    {%- for group in groups if group not in allowed -%}
        {{ exceptions.raise_compiler_error(
            "pressure_rolling_groups: " ~ group ~ " is not one of " ~ allowed | join(', ')) }}
    {%- endfor -%}
    {{ return("'" ~ groups | join("', '") ~ "'") }}
{% endmacro %}

{# 5 % and 95 % quantiles of the pressure within each number of days from every moment. #}
{% macro windowed_quantiles(relation, half_widths) -%}
    {%- for days in half_widths %}
    select
        * exclude (moment, x),
        moment as centre,
        cast({{ days }} as integer) as half_width_days,
        quantile_cont(x, [0.05, 0.95]) over around_{{ days }} as quantile_hpa
    from {{ relation }}
    window around_{{ days }} as (
        partition by target_code, series_start, group_code order by moment
        range between interval {{ days }} days preceding and interval '{{ days * 86400 - 1 }} seconds' following
    )
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# A setting that is one word of a closed list. #}
{% macro word_setting(name, allowed) %}
    {%- set value = var(name) -%}
    {%- if value not in allowed -%}
        {{ exceptions.raise_compiler_error(name ~ ": " ~ value ~ " is not one of " ~ allowed | join(', ')) }}
    {%- endif -%}
    {{ return(value) }}
{% endmacro %}

{# A constant of a station, or an error that names both and stops the build. #}
{% macro present_or_error(column) -%}
    coalesce(cast({{ column }} as double), error(station_code || ': {{ column }} is missing in the seeds station and station_reference'))
{%- endmacro %}

{# What stops the build when declared exclusions contradict each other. #}
{% macro overlap_error() -%}
    error(
        'fit_exclusion: the ' || kind || ' row of station ' || station_id || ' that starts ' || start_at
        || ' overlaps another row of that kind or ends before it starts'
    )
{%- endmacro %}
