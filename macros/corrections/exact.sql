{# Sums that do not depend on the order of their terms. Floating-point sums of a parallel engine differ in their last digits from run to
   run; sums of whole numbers do not. A term becomes a whole number of 1e-15, far below any error; ratios of such sums need no
   scale, `exact_sum` brings a sum back to its unit. #}
{% macro fixed(term) -%}
    cast(({{ term }}) * 1e15 as hugeint)
{%- endmacro %}

{% macro exact_sum(term) -%}
    (sum({{ fixed(term) }}) / 1e15)
{%- endmacro %}
