{# Columns that say where a row of an environment source comes from, with a table alias before each. #}
{% macro provenance_columns(alias, has_line_number=true) -%}
    {%- set names = [
        'source', 'source_file', 'file_sha256', 'fetched_at', 'is_fetched_at_guessed', 'parser_version',
    ] -%}
    {%- if has_line_number -%}{%- do names.append('line_number') -%}{%- endif -%}
    {%- for name in names %}{{ alias }}.{{ name }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}
