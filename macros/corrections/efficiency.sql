{# Efficiency of the telescope from the counts of its own patterns.
   A track through planes 1 and 4 goes through 2 and 3, so e2 = N1234 / (N1234 + N134) and e3 = N1234 / (N1234 + N124) need
   no geometry. The rate is taken from 1234 + 124 + 134: planes 1 and 4, and at least one of 2 and 3. #}

{# 1 sigma of a share e of n independent trials (binomial). #}
{% macro binomial_sigma(e, n) -%}
    sqrt(greatest({{ e }} * (1 - {{ e }}), 0) / nullif({{ n }}, 0))
{%- endmacro %}

{# Chance that a track through all four planes fires 1 and 4 and at least one of 2 and 3. #}
{% macro telescope_efficiency(e1, e2, e3, e4) -%}
    {{ e1 }} * {{ e4 }} * (1 - (1 - {{ e2 }}) * (1 - {{ e3 }}))
{%- endmacro %}

{# (sigma_eps / eps)^2, first order, errors of the four planes taken as independent. Used where the counts of the rate are not
   those of the efficiencies: a direction group, or efficiencies from a longer window. #}
{% macro telescope_efficiency_relative_variance(e1, e2, e3, e4, s1, s2, s3, s4) -%}
    pow({{ s1 }} / {{ e1 }}, 2) + pow({{ s4 }} / {{ e4 }}, 2)
    + (pow((1 - {{ e3 }}) * {{ s2 }}, 2) + pow((1 - {{ e2 }}) * {{ s3 }}, 2)) / pow(1 - (1 - {{ e2 }}) * (1 - {{ e3 }}), 2)
{%- endmacro %}

{# (sigma_r / r)^2 of r = (N1234 + N124 + N134) / (T eps) where rate and efficiencies come from the same counts, which are
   independent Poisson numbers: the sum of (d ln r / d N)^2 N over all of them, exact to first order. f1 and f4 are the fiducial
   shares F1_1234 / N1234 and F4_1234 / N1234; f = 1 without the cut, and then it is [(sum e - 3)^2 + sum e (1 - e)] / N1234.
   The errors of rate and efficiency are not independent and must not be added as if they were. #}
{% macro corrected_rate_relative_variance(n_1234, e1, e2, e3, e4, f1, f4) -%}
    (
        pow({{ e2 }} + {{ e3 }} - 1, 2)
        - 2 * ({{ e2 }} + {{ e3 }} - 1) * ((1 - {{ e1 }}) + (1 - {{ e4 }}))
        + pow(1 - {{ e1 }}, 2) / {{ f1 }} + pow(1 - {{ e4 }}, 2) / {{ f4 }} + 2 * (1 - {{ e1 }}) * (1 - {{ e4 }})
        + {{ e2 }} * (1 - {{ e2 }}) + {{ e3 }} * (1 - {{ e3 }})
        + {{ e1 }} * (1 - {{ e1 }}) / {{ f1 }} + {{ e4 }} * (1 - {{ e4 }}) / {{ f4 }}
    ) / {{ n_1234 }}
{%- endmacro %}

{# The counts that the four ratios are made of. #}
{% macro efficiency_counts() %}
    {{ return(['n_1234', 'n_123', 'n_124', 'n_134', 'n_234', 'n_fid_1_1234', 'n_fid_1_234', 'n_fid_4_1234', 'n_fid_4_123']) }}
{% endmacro %}
