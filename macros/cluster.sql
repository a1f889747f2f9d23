{# What the strips of a plane hit look like. A set of strips is a bit mask, strip 1 the lowest bit. #}

{# The sets 1..15 as four digits, strip 1 first: 0110 for strips 2 and 3. #}
{% macro strip_patterns() -%}
    {%- set patterns = [] -%}
    {%- for mask in range(1, 16) -%}
        {%- set digits = [] -%}
        {%- for strip in range(4) -%}{%- do digits.append((mask // 2 ** strip) % 2) -%}{%- endfor -%}
        {%- do patterns.append(digits | join) -%}
    {%- endfor -%}
    {{- return(patterns) -}}
{%- endmacro %}

{% macro strip_pattern(mask) -%}
    ['{{ strip_patterns() | join("', '") }}'][{{ mask }}]
{%- endmacro %}

{# One strip, neighbours in a row, or strips with a gap between them. #}
{% macro cluster_class(mask) -%}
    {%- set classes = [] -%}
    {%- for pattern in strip_patterns() -%}
        {%- set n = pattern.count('1') -%}
        {%- if '1' * n not in pattern -%}
            {%- do classes.append('split') -%}
        {%- else -%}
            {%- do classes.append('single' if n == 1 else 'adjacent_' ~ n) -%}
        {%- endif -%}
    {%- endfor -%}
    ['{{ classes | join("', '") }}'][{{ mask }}]
{%- endmacro %}

{# A number in [0, 1) that depends on the event and plane alone, not on the order of rows: 52 bits of an MD5 sum. #}
{% macro event_uniform(file_id, event_number, plane) -%}
    cast('0x' || left(md5(concat({{ file_id }}, ':', {{ event_number }}, ':', {{ plane }})), 13) as bigint)
            / 4503599627370496.0
{%- endmacro %}
