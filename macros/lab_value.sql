{# One value for the laboratory from the sensors outside and inside the DAQ box, and the word that says which. The
   inside sensor stands in only for quantities of the setting `lab_fallback_quantities` (pressure, temperature,
   humidity): both barometers feel the same pressure, but the box is 10 to 15 degrees warmer than the air. A fresh
   inside value comes before an old outside one. #}

{% macro lab_source(quantity, ext, int) -%}
    {%- set has_fallback = quantity in var('lab_fallback_quantities') %}
    case
        when {{ ext }}_fill in ('measured', 'interpolated') then 'ext_' || {{ ext }}_fill
        {%- if has_fallback %}
        when {{ int }}_fill in ('measured', 'interpolated') then 'int_' || {{ int }}_fill
        {%- endif %}
        when {{ ext }}_fill = 'held' then 'ext_held'
        {%- if has_fallback %}
        when {{ int }}_fill = 'held' then 'int_held'
        {%- endif %}
    end
{%- endmacro %}

{# The value the word of `lab_source` names; `int_shift` is added to an inside value. #}
{% macro lab_value(source, ext, int, int_shift='0') -%}
    case left({{ source }}, 3) when 'ext' then {{ ext }} when 'int' then {{ int }} + {{ int_shift }} end
{%- endmacro %}
