{# How far a Poisson count lies from its expectation, in sigmas: on the square-root scale its sigma is nearly 1/2,
   whatever the expectation (F. J. Anscombe, Biometrika 35, 246, 1948). #}
{% macro poisson_z(n, n_expected) -%}
    2 * (sqrt({{ n }} + 3 / 8) - sqrt({{ n_expected }} + 3 / 8))
{%- endmacro %}
