{# Directions of travel and the angular regions of the seed `angular_ring`. #}

{# An angle in degrees, wrapped to [-180, 180). #}
{% macro wrap_degrees(angle) -%}
    (((({{ angle }}) + 180) % 360 + 360) % 360 - 180)
{%- endmacro %}

{# Azimuth of a direction in the site's axes: detector azimuth plus that of the detector's x axis, unknown counts as 0. #}
{% macro azimuth_deg(phi_deg, phi_north_deg) -%}
    {{ wrap_degrees(phi_deg ~ ' + coalesce(' ~ phi_north_deg ~ ', 0)') }}
{%- endmacro %}

{# The ring of a zenith angle: a lower limit belongs to its ring, and the horizon to the last. To be written after a
   relation as its join. #}
{% macro join_angular_ring(theta_deg) -%}
    inner join {{ ref('angular_ring') }} as ring
        on
            {{ theta_deg }} >= ring.theta_low_deg
            and ({{ theta_deg }} < ring.theta_high_deg or ring.theta_high_deg >= 90)
{%- endmacro %}

{# R<ring>.<sector>, sectors of equal width counted from azimuth -180. #}
{% macro region_code(ring, n_sectors, azimuth) -%}
    'R' || {{ ring }} || '.' || cast(floor(({{ azimuth }} + 180) * {{ n_sectors }} / 360.0) as integer)
{%- endmacro %}
