{# The columns both ERA5 datasets end with: finality, grid and provenance. #}
{% macro era5_tail(alias) -%}
    {%- for name in [
        'expver', 'is_final', 'finality_basis', 'n_points', 'n_points_valid',
        'lat_min_deg', 'lat_max_deg', 'lon_min_deg', 'lon_max_deg', 'product',
    ] %}{{ alias }}.{{ name }}, {% endfor -%}
    {{ provenance_columns(alias, has_line_number=false) }}
{%- endmacro %}

{# Whether one of two parts of an hour is not final; a part that is absent does not count. #}
{% macro is_any_preliminary(one, other) -%}
    coalesce(not {{ one }}, false) or coalesce(not {{ other }}, false)
{%- endmacro %}
