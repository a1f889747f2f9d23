{# Temperature correction: ln r = a + (beta dP + alpha dT [+ mu dH] + gamma N) / 100. A warmer atmosphere is higher: muons are
   born further away and more of them decay before they arrive. All temperatures in kelvin. #}

{# What each method reads of the air: a temperature, and the height of the level where pions and muons are born. #}
{% macro temperature_inputs() %}
    {{ return({
        'mass': {'temp_k': 'temp_mass_avg_k', 'height_m': none},
        'effective': {'temp_k': 'temp_eff_k', 'height_m': none},
        'duperier': {'temp_k': 'temp_100hpa_k', 'height_m': 'height_100hpa_m'},
    }) }}
{% endmacro %}

{# The methods whose coefficients may be applied, the first one that has a good fit. #}
{% macro temperature_methods() %}
    {%- for method in var('temperature_methods') if method not in temperature_inputs() -%}
        {{ exceptions.raise_compiler_error(
            "temperature_methods: " ~ method ~ " is not one of " ~ temperature_inputs() | join(', ')) }}
    {%- endfor -%}
    {{ return(var('temperature_methods')) }}
{% endmacro %}

{# Place of a method in that list, NULL where it is not asked for. #}
{% macro temperature_preference(method) -%}
    list_position(
        [{% for name in temperature_methods() %}'{{ name }}'{% if not loop.last %}, {% endif %}{% endfor %}]::varchar[],
        {{ method }}
    )
{%- endmacro %}

{# Factor that brings a rate to the reference temperature and, for the method that has it, height. #}
{% macro temperature_factor(alpha, temp_delta, mu, height_delta) -%}
    exp(-({{ alpha }} * {{ temp_delta }} + coalesce({{ mu }} * {{ height_delta }}, 0)) / 100)
{%- endmacro %}

{# g C g, the variance of beta dP + alpha dT [+ mu dH] (%^2) by the covariance C of the joint fit; never below zero. #}
{% macro joint_variance(pressure_delta, temp_delta, height_delta) -%}
    greatest(
        pow({{ pressure_delta }} * beta_sigma_pct_per_hpa, 2)
        + pow({{ temp_delta }} * alpha_sigma_pct_per_k, 2)
        + 2 * {{ pressure_delta }} * {{ temp_delta }} * cov_beta_alpha
        + coalesce(
            pow({{ height_delta }} * mu_sigma_pct_per_km, 2)
            + 2 * {{ height_delta }} * {{ pressure_delta }} * cov_beta_mu
            + 2 * {{ height_delta }} * {{ temp_delta }} * cov_alpha_mu,
            0
        ),
        0
    )
{%- endmacro %}

{# 1 sigma of rate x factor: errors of the rate, of the coefficients together, and of the barometer. #}
{% macro joint_corrected_sigma(rate, sigma, factor, variance, beta, pressure_sigma) -%}
    sqrt(
        pow({{ factor }} * {{ sigma }}, 2)
        + pow({{ rate }} * {{ factor }} / 100, 2) * {{ variance }}
        + pow({{ rate }} * {{ factor }} * {{ beta }} / 100 * {{ pressure_sigma }}, 2)
    )
{%- endmacro %}

{# The coefficient of a row of a joint fit that a bound of the seed speaks of, else NULL. #}
{% macro bounded_coefficient(fit, quantity) -%}
    case {{ quantity }}
        when 'beta_pct_per_hpa' then {{ fit }}.beta_pct_per_hpa
        when 'alpha_pct_per_k' then case when {{ fit }}.method != 'duperier' then {{ fit }}.alpha_pct_per_k end
        when 'alpha_100hpa_pct_per_k' then case when {{ fit }}.method = 'duperier' then {{ fit }}.alpha_pct_per_k end
        when 'mu_pct_per_km' then {{ fit }}.mu_pct_per_km
        when 'gamma_pct_per_pct' then {{ fit }}.gamma_pct_per_pct
    end
{%- endmacro %}
