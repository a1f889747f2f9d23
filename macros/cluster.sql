{# What the strips of a plane hit look like. A set of strips is a bit mask, strip 1 the lowest bit. #}

{# Four digits, strip 1 first: 0110 for strips 2 and 3. #}
{% macro strip_pattern(mask) -%}
    reverse(right('000' || to_binary({{ mask }}), 4))
{%- endmacro %}

{# One strip, neighbours in a row, or strips with a gap between them. #}
{% macro cluster_class(mask) -%}
    {%- set classes = [] -%}
    {%- for bits in range(1, 16) -%}
        {%- set pattern = [] -%}
        {%- for strip in range(4) -%}{%- do pattern.append((bits // 2 ** strip) % 2) -%}{%- endfor -%}
        {%- set n = pattern | sum -%}
        {%- if n == 1 -%}
            {%- do classes.append('single') -%}
        {%- elif '1' * n in pattern | join -%}
            {%- do classes.append('adjacent_' ~ n) -%}
        {%- else -%}
            {%- do classes.append('split') -%}
        {%- endif -%}
    {%- endfor -%}
    ['{{ classes | join("', '") }}'][{{ mask }}]
{%- endmacro %}

{# A number in [0, 1) that depends on the event and plane alone, not on the order of rows: 52 bits of an MD5 sum. #}
{% macro event_uniform(file_id, event_number, plane) -%}
    cast('0x' || substr(md5({{ file_id }} || ':' || {{ event_number }} || ':' || {{ plane }}), 1, 13) as bigint)
            / 4503599627370496.0
{%- endmacro %}
