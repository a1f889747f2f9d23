{# The columns both ERA5 datasets end with: finality, grid and provenance. #}
{% macro era5_tail(alias) -%}
    {%- for name in [
        'expver', 'is_final', 'finality_basis', 'n_points', 'n_points_valid',
        'lat_min_deg', 'lat_max_deg', 'lon_min_deg', 'lon_max_deg', 'product',
    ] %}{{ alias }}.{{ name }}, {% endfor -%}
    {{ provenance_columns(alias, has_line_number=false) }}
{%- endmacro %}
