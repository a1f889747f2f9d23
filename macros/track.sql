{# A straight line u(z) through n planes, all of equal weight: x(z), y(z) and t(z) are three such lines.

   Least squares is linear in the measured values: slope = sum(a_p u_p) and intercept at z = 0 = sum(g_p u_p) with
   a_p = (z_p - z_mean) / s_zz, g_p = 1/n - z_mean a_p, s_zz = sum((z_p - z_mean)^2)
   (e.g. P. R. Bevington, Data Reduction and Error Analysis, chapter 6). a_p and g_p depend only on which planes take
   part, so they stand in `int_plane_set` and no formula below knows how many planes there are. #}

{# The line u(z) through the planes of a fit, as four columns <u>_intercept, <u>_slope and the variances of both. The
   planes stand side by side: values <u>_<plane>, errors <u>_sigma_<plane>, weights slope_weight_<plane> and
   intercept_weight_<plane>, NULL for a plane that takes no part. #}
{% macro line_fit(u, planes) -%}
    {%- for result, weight in [('intercept', 'intercept_weight'), ('slope', 'slope_weight')] -%}
    {% for plane in planes -%}
    coalesce({{ weight }}_{{ plane }} * {{ u }}_{{ plane }}, 0){{ ' + ' if not loop.last }}
    {%- endfor %} as {{ u }}_{{ result }},
        {% for plane in planes -%}
    coalesce(({{ weight }}_{{ plane }} * {{ u }}_sigma_{{ plane }}) ** 2, 0){{ ' + ' if not loop.last }}
    {%- endfor %} as {{ u }}_{{ result }}_variance{{ ',' if not loop.last }}
        {% endfor -%}
{%- endmacro %}

{# What a measured value differs from the line, data minus fit. #}
{% macro line_residual(name, u, z) -%}
    ({{ u }} - {{ name }}_intercept - {{ name }}_slope * {{ z }})
{%- endmacro %}

{# What a plane would differ from the line through the other planes, without a second fit; exact for equal weights
   (R. D. Cook, Technometrics 19, 15, 1977). NULL where nothing is left to fit (leverage 1). #}
{% macro leave_one_out(residual, leverage) -%}
    (case when {{ leverage }} < 1 - 1e-9 then {{ residual }} / (1 - {{ leverage }}) end)
{%- endmacro %}

{# A residual in units of its own error. #}
{% macro studentised(residual, sigma, leverage) -%}
    (case when {{ leverage }} < 1 - 1e-9 then {{ residual }} / ({{ sigma }} * sqrt(1 - {{ leverage }})) end)
{%- endmacro %}

{# k = path length per height of a line with the slopes x', y'. #}
{% macro path_per_height(x_slope, y_slope) -%}
    sqrt(1 + {{ x_slope }} ** 2 + {{ y_slope }} ** 2)
{%- endmacro %}

{# Variances of derived quantities, first order, slopes of x, y and t independent. #}
{% macro slowness_variance(x_slope, y_slope, x_slope_variance, y_slope_variance, slowness, t_slope_variance) -%}
    (
        {{ t_slope_variance }} / {{ path_per_height(x_slope, y_slope) }} ** 2
        + ({{ slowness }} * {{ x_slope }} / {{ path_per_height(x_slope, y_slope) }} ** 2) ** 2 * {{ x_slope_variance }}
        + ({{ slowness }} * {{ y_slope }} / {{ path_per_height(x_slope, y_slope) }} ** 2) ** 2 * {{ y_slope_variance }}
    )
{%- endmacro %}

{% macro theta_variance(x_slope, y_slope, x_slope_variance, y_slope_variance) -%}
    case
        when {{ x_slope }} ** 2 + {{ y_slope }} ** 2 < 1e-12 then ({{ x_slope_variance }} + {{ y_slope_variance }}) / 2
        else
            ({{ x_slope }} ** 2 * {{ x_slope_variance }} + {{ y_slope }} ** 2 * {{ y_slope_variance }})
            / (({{ x_slope }} ** 2 + {{ y_slope }} ** 2) * {{ path_per_height(x_slope, y_slope) }} ** 4)
    end
{%- endmacro %}

{# NULL for a vertical track, whose azimuth means nothing. #}
{% macro phi_variance(x_slope, y_slope, x_slope_variance, y_slope_variance) -%}
    case
        when {{ x_slope }} ** 2 + {{ y_slope }} ** 2 >= 1e-12
            then
                ({{ y_slope }} ** 2 * {{ x_slope_variance }} + {{ x_slope }} ** 2 * {{ y_slope_variance }})
                / ({{ x_slope }} ** 2 + {{ y_slope }} ** 2) ** 2
    end
{%- endmacro %}
