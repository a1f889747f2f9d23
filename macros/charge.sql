{# Charges of strips. #}

{# Front-back correction at a width q: a polynomial in q/100 ns, held constant outside the range it was fitted in. A
   strip without such a fit is not corrected. #}
{% macro front_back_correction(q, cal) -%}
    {%- set u = 'least(greatest(' ~ q ~ ', ' ~ cal ~ '.q_fb_low_ns), ' ~ cal ~ '.q_fb_high_ns) / 100' -%}
    coalesce(
            {{ cal }}.q_fb_c0 + {{ u }} * (
                {{ cal }}.q_fb_c1 + {{ u }} * ({{ cal }}.q_fb_c2 + {{ u }} * ({{ cal }}.q_fb_c3 + {{ u }} * {{ cal }}.q_fb_c4))
            ), 0
        )
{%- endmacro %}

{# Segment of `int_tot_segment` that holds a width: segments of 10 ns, the last from 380 to 390 ns. A missing width falls
   into the last one and stays missing there. #}
{% macro tot_segment(width_ns) -%}
    cast(case when {{ width_ns }} < 0 then 0 when {{ width_ns }} < 390 then floor({{ width_ns }} / 10) else 38 end as tinyint)
{%- endmacro %}

{# Charge of a width from its segment: the cubic inside, the end slope above 390 ns, the threshold charge below 0. #}
{% macro tot_charge_fc(width_ns, segment) -%}
    {%- set d = 'if(' ~ width_ns ~ ' > 0, least(' ~ width_ns ~ ' - ' ~ segment ~ '.x0_ns, 10), 0 * ' ~ width_ns ~ ')' -%}
    (
            {{ segment }}.c0 + {{ d }} * ({{ segment }}.c1 + {{ d }} * ({{ segment }}.c2 + {{ d }} * {{ segment }}.c3))
            + greatest({{ width_ns }} - 390, 0) * ({{ segment }}.c1 + 20 * {{ segment }}.c2 + 300 * {{ segment }}.c3)
        )
{%- endmacro %}

{# Orders the strips of an event by charge. Equal charges fall to the lower plane, then the lower strip: the steps are
   far below the resolution of a stored charge (8e-6 ns at 100 ns). #}
{% macro calibrated_charge_rank(q, plane, strip) -%}
    {{ q }} - 1e-9 * (4 * {{ plane }} + {{ strip }})
{%- endmacro %}
