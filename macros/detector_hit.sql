{# Cleaning of one end of a strip: a time T (leading edge) and a charge Q (pulse width). #}

{# Bits of a reject mask. #}
{% macro reject_bits() -%}
    {{- return({
        'no_trailing_edge': 1,
        'no_leading_edge': 2,
        't_window': 4,
        'q_window': 8,
        'pair_broken': 16,
        't_dif_raw': 32,
        'time_raw': 64,
    }) -}}
{%- endmacro %}

{# Reject mask of one end from its own two values.
   The stations write Q = -T when the trailing edge is missing and T = 0 when the leading one is: then Q is no charge
   even where it lies inside its window. The windows include their ends. An end needs both values, so when one of them
   is rejected the other goes with it. #}
{% macro end_reject_mask(t, q, limits) -%}
    {%- set bits = reject_bits() -%}
    {%- set t_outside = t ~ ' < ' ~ limits ~ '.t_low_ns or ' ~ t ~ ' > ' ~ limits ~ '.t_high_ns' -%}
    {%- set q_outside = q ~ ' < ' ~ limits ~ '.q_low_ns or ' ~ q ~ ' > ' ~ limits ~ '.q_high_ns' -%}
    case
        when {{ q }} is null then if({{ t_outside }}, {{ bits.t_window }}, 0)
        when {{ t }} is null then {{ bits.no_leading_edge }}
        when abs({{ q }} + {{ t }}) <= {{ limits }}.trailing_tolerance_ns
            then {{ bits.no_trailing_edge }} + if({{ t_outside }}, {{ bits.t_window }}, {{ bits.pair_broken }})
        when {{ t_outside }}
            then {{ bits.t_window }} + if({{ q_outside }}, {{ bits.q_window }}, {{ bits.pair_broken }})
        when {{ q_outside }} then {{ bits.q_window + bits.pair_broken }}
        else 0
    end
{%- endmacro %}

{# Planes as digits in ascending order, 134 for planes 1, 3 and 4, 0 for none; `mask` has bit 2^(plane - 1) per plane. #}
{% macro plane_pattern(mask) -%}
    cast([0, 1, 2, 12, 3, 13, 23, 123, 4, 14, 24, 124, 34, 134, 234, 1234][{{ mask }} + 1] as smallint)
{%- endmacro %}

{# Half sum and half difference of the ends of a strip, ns. The time difference is back minus front, the charge
   difference front minus back, as everywhere in this project. #}
{% macro half_sum(front, back) -%}
    (({{ back }} + {{ front }}) / 2)
{%- endmacro %}

{% macro half_difference(first, second) -%}
    (({{ first }} - {{ second }}) / 2)
{%- endmacro %}

{# A number that grows with the charge of a strip and, for equal charges, is larger for the lower plane, then the lower
   strip. Charges have four decimals, so the integer is exact. #}
{% macro raw_charge_rank(q_front, q_back, plane, strip) -%}
    (cast(round((cast({{ q_front }} as double) + {{ q_back }}) * 10000) as bigint) * 16 + 20 - 4 * {{ plane }} - {{ strip }})
{%- endmacro %}

{# Speed of light in vacuum, mm/ns: exact by the definition of the metre. #}
{% macro speed_of_light_mm_per_ns() -%} 299.792458 {%- endmacro %}
