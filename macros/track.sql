{# A straight line u(z) through n points, all of equal weight: x(z), y(z) and t(z) of a track are three such lines.

   Least squares is linear in the measured values: slope = sum(a_p u_p) and intercept at z = 0 = sum(g_p u_p) with
   a_p = (z_p - z_mean) / s_zz, g_p = 1/n - z_mean a_p, s_zz = sum((z_p - z_mean)^2)
   (e.g. P. R. Bevington, Data Reduction and Error Analysis, chapter 6). a_p and g_p depend only on which planes take
   part, so they stand in `int_plane_set`, and each formula below stands once for all lines and any set of planes. #}

{# Not x ** 2, which costs a call of pow() a row. #}
{% macro square(x) -%}
    (({{ x }}) * ({{ x }}))
{%- endmacro %}

{# The weights a_p, g_p of the point at z, and its leverage: how much of its own value the line follows there. At a
   plane outside the fit, the variance of the predicted value in units of that of one point. #}
{% macro line_weights(z, z_mean, s_zz, n) -%}
    ({{ z }} - {{ z_mean }}) / {{ s_zz }} as slope_weight_per_mm,
        1.0 / {{ n }} - {{ z_mean }} * slope_weight_per_mm as intercept_weight,
        1.0 / {{ n }} + ({{ z }} - {{ z_mean }}) * slope_weight_per_mm as leverage
{%- endmacro %}

{# The line through a group of points with the values u, errors u_sigma and the weights above: <u>_intercept, <u>_slope
   and their variances, each point with its own error. #}
{% macro line_fit(u) -%}
    sum(intercept_weight * {{ u }}) as {{ u }}_intercept,
        sum(slope_weight_per_mm * {{ u }}) as {{ u }}_slope,
        sum({{ square('intercept_weight * ' ~ u ~ '_sigma') }}) as {{ u }}_intercept_variance,
        sum({{ square('slope_weight_per_mm * ' ~ u ~ '_sigma') }}) as {{ u }}_slope_variance
{%- endmacro %}

{# What the line says at a height. #}
{% macro line_at(line, z) -%}
    ({{ line }}_intercept + {{ line }}_slope * {{ z }})
{%- endmacro %}

{# What a plane would differ from the line through the other planes, without a second fit; exact for equal weights
   (R. D. Cook, Technometrics 19, 15, 1977). NULL where nothing is left to fit (leverage 1). #}
{% macro leave_one_out(residual, leverage) -%}
    (case when {{ leverage }} < 1 - 1e-9 then {{ residual }} / (1 - {{ leverage }}) end)
{%- endmacro %}

{# A residual in units of its own error, from the residual in units of the error of its point; needs leverage < 1. #}
{% macro studentised(pull, leverage) -%}
    ({{ pull }} / sqrt(1 - {{ leverage }}))
{%- endmacro %}

{# k = path length per height of a line with the slopes x', y'. #}
{% macro path_per_height(x_slope, y_slope) -%}
    sqrt(1 + {{ square(x_slope) }} + {{ square(y_slope) }})
{%- endmacro %}

{# Variances of derived quantities, first order, slopes of x, y and t independent. #}
{% macro slowness_variance(x_slope, y_slope, x_slope_variance, y_slope_variance, slowness, t_slope_variance) -%}
    {%- set k_squared = square(path_per_height(x_slope, y_slope)) -%}
    (
            {{ t_slope_variance }} / {{ k_squared }}
            + {{ square(slowness ~ ' / ' ~ k_squared) }}
            * ({{ square(x_slope) }} * {{ x_slope_variance }} + {{ square(y_slope) }} * {{ y_slope_variance }})
        )
{%- endmacro %}

{% macro theta_variance(x_slope, y_slope, x_slope_variance, y_slope_variance) -%}
    {%- set r_squared = '(' ~ square(x_slope) ~ ' + ' ~ square(y_slope) ~ ')' -%}
    case
            when {{ r_squared }} < 1e-12 then ({{ x_slope_variance }} + {{ y_slope_variance }}) / 2
            else
                ({{ square(x_slope) }} * {{ x_slope_variance }} + {{ square(y_slope) }} * {{ y_slope_variance }})
                / ({{ r_squared }} * {{ square('1 + ' ~ r_squared) }})
        end
{%- endmacro %}

{# NULL for a vertical track, whose azimuth means nothing. #}
{% macro phi_variance(x_slope, y_slope, x_slope_variance, y_slope_variance) -%}
    {%- set r_squared = '(' ~ square(x_slope) ~ ' + ' ~ square(y_slope) ~ ')' -%}
    case
            when {{ r_squared }} >= 1e-12
                then
                    ({{ square(y_slope) }} * {{ x_slope_variance }} + {{ square(x_slope) }} * {{ y_slope_variance }})
                    / {{ square(r_squared) }}
        end
{%- endmacro %}
