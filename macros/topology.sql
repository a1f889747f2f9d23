{# Sets of planes. A set is a bit mask, plane 1 the lowest bit, or a topology label: the digits of the planes in order,
   0 for none. The seed `tt_label` holds all sixteen pairs. #}

{% macro plane_bit(plane) -%}
    (1 << ({{ plane }} - 1))
{%- endmacro %}

{% macro mask_has_plane(mask, plane) -%}
    ({{ mask }} & {{ plane_bit(plane) }} > 0)
{%- endmacro %}
