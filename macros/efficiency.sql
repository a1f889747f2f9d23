{# Share of a pool that fired, and its error. #}

{% macro efficiency(n_fired, n_pool) -%}
    {{ n_fired }} / nullif(cast({{ n_pool }} as double), 0)
{%- endmacro %}

{# Binomial standard error. Where all or none fired it would be 0; there the standard deviation of the posterior for a
   flat prior is taken (M. Paterno, FERMILAB-TM-2286-CD, 2004). #}
{% macro efficiency_sigma(n_fired, n_pool) -%}
    {%- set f = 'cast(' ~ n_fired ~ ' as double)' -%}
    {%- set n = 'cast(' ~ n_pool ~ ' as double)' -%}
    case
        when {{ n_pool }} = 0 then null
        when {{ n_fired }} = 0 or {{ n_fired }} = {{ n_pool }}
            then sqrt(({{ f }} + 1) * ({{ n }} - {{ f }} + 1) / (({{ n }} + 2) ** 2 * ({{ n }} + 3)))
        else sqrt({{ f }} * ({{ n }} - {{ f }}) / {{ n }} ** 3)
    end
{%- endmacro %}

{# The column n_fid_<plane> of a row of counts: events that test the plane. They are those of all four planes and those
   that miss only it, so for other labels it is NULL, as it is where the files cannot measure the plane. #}
{% macro count_if_measurable(counts, label_mask, measurable_mask, plane) -%}
    if(
            {{ counts }}.tt_kind in ('list_tt', 'fit_tt')
            and {{ label_mask }} | {{ plane_bit(plane) }} = 15
            and {{ mask_has_plane(measurable_mask, plane) }},
            {{ counts }}.n_fid_{{ plane }},
            null
        )
{%- endmacro %}
