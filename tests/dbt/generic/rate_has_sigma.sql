{# A rate and its 1 sigma are there together, and the sigma is above zero. `rates` lists pairs of columns. #}
{% test rate_has_sigma(model, rates) %}
    select *
    from {{ model }}
    where
        {%- for rate, sigma in rates %}
        ({{ rate }} is null) != ({{ sigma }} is null)
        or {{ sigma }} <= 0
        {%- if not loop.last %}
        or
        {%- endif %}
        {%- endfor %}
{% endtest %}
