{{ config(contract={'enforced': false}) }}
{#- Stations and neutron monitors side by side, one row a bin. A series has its columns once it has a row: which they
    are is asked in every run, so the first row of a new monitor brings its columns. -#}
{%- set monitors = values_of('fct_primary', 'nm_code') -%}
{%- set stations = values_of('large_corrected_table', 'station_code') -%}
{%- set station_columns = {
    'value': 'rate_final_hz', 'sigma': 'rate_final_sigma_hz', 'rel_pct': 'rel_pct', 'rel_sigma_pct': 'rel_sigma_pct',
    'pressure_lab_hpa': 'pressure_hpa', 'coverage': 'coverage',
} -%}
with

network as (
    select * from {{ ref('fct_network') }}
    where bin_width_s in (600, 3600)
),

corrected as (
    select * from {{ ref('large_corrected_table') }}
    where bin_width_s in (600, 3600)
),

joined as (
    select
        network.*,
        corrected.pressure_lab_hpa
    from network
    left join corrected
        on
            network.series_code = corrected.station_code
            and network.bin_start = corrected.bin_start
            and network.bin_width_s = corrected.bin_width_s
),

final as (
    select
        bin_start,
        bin_width_s{% for code in monitors %},
        max(value) filter (where series_code = '{{ code }}') as "nm_{{ code }}_hz",
        max(rel_pct) filter (where series_code = '{{ code }}') as "nm_{{ code }}_rel_pct"
        {%- endfor %}{% for code in stations %}{% for column, name in station_columns.items() %},
        max({{ column }}) filter (where series_code = '{{ code }}') as "{{ code | lower }}_{{ name }}"
        {%- endfor %}{% endfor %}
    from joined
    group by bin_start, bin_width_s
)

select * from final
