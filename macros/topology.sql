{# Sets of planes. A set is a bit mask, plane 1 the lowest bit, or a topology label: the digits of the planes in order,
   0 for none. The seed `tt_label` holds all sixteen pairs. #}

{% macro plane_bit(plane) -%}
    (1 << ({{ plane }} - 1))
{%- endmacro %}

{% macro tt_of_mask(mask) -%}
    {%- set labels = [] -%}
    {%- for bits in range(16) -%}
        {%- set digits = [] -%}
        {%- for plane in [1, 2, 3, 4] if (bits // 2 ** (plane - 1)) % 2 -%}
            {%- do digits.append(plane | string) -%}
        {%- endfor -%}
        {%- do labels.append(digits | join or '0') -%}
    {%- endfor -%}
    cast([{{ labels | join(', ') }}][{{ mask }} + 1] as smallint)
{%- endmacro %}

{% macro mask_has_plane(mask, plane) -%}
    ({{ mask }} & {{ plane_bit(plane) }} > 0)
{%- endmacro %}
