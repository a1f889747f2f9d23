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
