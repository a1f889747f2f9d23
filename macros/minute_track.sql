{# What `fct_minute_track` keeps of a quantity of the accepted tracks of a minute: its sum, the sum of its squares and the
   number of values. Sums add up over minutes and files, so mean and spread of any longer period are exact. #}

{% macro track_quantities() -%}
    {{- return([
        'x0_mm',
        'y0_mm',
        'theta_rad',
        't_slope_ns_per_mm',
        'slowness_ns_per_mm',
        'q_sum_ns',
        'q_fc',
        'chi2_per_ndf',
    ]) -}}
{%- endmacro %}

{# Mean and standard deviation (population) from these sums; rounding can make a variance of zero slightly negative. #}
{% macro mean_of_sums(name) -%}
    sum_{{ name }} / nullif(n_{{ name }}, 0)
{%- endmacro %}

{% macro deviation_of_sums(name) -%}
    sqrt(greatest(sum2_{{ name }} - sum_{{ name }} * {{ mean_of_sums(name) }}, 0) / nullif(n_{{ name }}, 0))
{%- endmacro %}
