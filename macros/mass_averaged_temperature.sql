{# Mean temperature of the atmosphere above a station, weighted by air mass, from a profile on pressure levels:

   T_m = [p_1 T_1 + sum_i (p_{i+1} - p_i) (T_i + T_{i+1}) / 2 + (P_0 - p_n) (T_n + T_2m) / 2] / P_0

   with the levels p_1 < ... < p_n above the ground at P_0. The layer above p_1 has the temperature of p_1, the lowest
   one ends at the temperature 2 m above ground (at T_n where that is NULL). `p_hpa` and `t_k` are lists in ascending
   order of pressure. Dmitrieva et al. 2013, Bull. Russ. Acad. Sci. Phys. 77, 558; Mendonça et al. 2016, ApJ 830, 88. #}
{% macro mass_averaged_temperature(p_hpa, t_k, temp_ground_k, p_ground_hpa) -%}
    (
        {{ p_hpa }}[1] * {{ t_k }}[1]
        + coalesce(list_sum(list_transform(
            range(1, len({{ p_hpa }})),
            lambda i : ({{ p_hpa }}[i + 1] - {{ p_hpa }}[i]) * ({{ t_k }}[i] + {{ t_k }}[i + 1]) / 2
        )), 0)
        + ({{ p_ground_hpa }} - {{ p_hpa }}[-1]) * ({{ t_k }}[-1] + coalesce({{ temp_ground_k }}, {{ t_k }}[-1])) / 2
    ) / {{ p_ground_hpa }}
{%- endmacro %}

{# True where a profile is dense enough for the mean: enough levels, the highest at 50 hPa or above, the lowest within
   60 hPa of the ground, no step beyond 120 hPa. #}
{% macro is_profile_complete(p_hpa, p_ground_hpa) -%}
    (
        len({{ p_hpa }}) >= {{ var('era5_profile_min_levels') }}
        and {{ p_hpa }}[1] <= 50
        and {{ p_ground_hpa }} - {{ p_hpa }}[-1] <= 60
        and coalesce(list_max(list_transform(
            range(1, len({{ p_hpa }})), lambda i : {{ p_hpa }}[i + 1] - {{ p_hpa }}[i]
        )), 0) <= 120
    )
{%- endmacro %}
