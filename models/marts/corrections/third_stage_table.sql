{{ config(contract={'enforced': false}) }}
{#- Neutron monitors beside a station, one row a bin of the monitors. A monitor has its column once it has a row. -#}
{%- set monitors = values_of('fct_primary', 'nm_code') -%}
with

primary_bin as (
    select * from {{ ref('fct_primary') }}
    where bin_width_s in (600, 3600)
),

legacy_row as (
    select * from {{ ref('int_legacy_row') }}
),

station as (
    select distinct station_id from legacy_row
),

monitor as (
    select
        bin_start,
        {%- for code in monitors %}
        max(rel_pct) filter (where nm_code = '{{ code }}') / 100 as "{{ code }}",
        {%- endfor %}
        bin_width_s
    from primary_bin
    group by bin_start, bin_width_s
),

final as (
    select
        monitor.bin_start as Time,
        {%- for code in monitors %}
        monitor."{{ code }}",
        {%- endfor %}
        {%- for name, value in legacy_columns()[1:] %}
        legacy_row."{{ name }}",
        {%- endfor %}
        legacy_row.miniTRASGO,
        monitor.bin_width_s,
        station.station_id
    from monitor
    cross join station
    left join legacy_row
        on
            station.station_id = legacy_row.station_id
            and monitor.bin_width_s = legacy_row.bin_width_s
            and monitor.bin_start = legacy_row.Time
)

select * from final
