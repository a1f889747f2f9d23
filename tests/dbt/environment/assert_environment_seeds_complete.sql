{# Every seed in which values are looked up has a row for each station and each thing it is about, on each day with
   data; every station with data stands in `station`, and every real one has its rigidity and its monitors. #}
{% set wanted = {
    'log_limits': ('column_name', [
        'rate_asserted_hz', 'rate_edge_hz', 'rate_accepted_hz',
        'rate_tm0_hz', 'rate_tm1_hz', 'rate_tm2_hz', 'rate_tm3_hz',
        'rate_cm0_hz', 'rate_cm1_hz', 'rate_cm2_hz', 'rate_cm3_hz',
        'hv_current_pos_ua', 'hv_current_neg_ua', 'hv_neg_kv', 'hv_pos_kv',
        'temp_ext_degc', 'rh_ext_pct', 'pressure_ext_hpa', 'temp_int_degc', 'rh_int_pct', 'pressure_int_hpa',
        'flow_p1_au', 'flow_p2_au', 'flow_p3_au', 'flow_p4_au',
        'disk_1_fill_pct', 'disk_2_fill_pct', 'file_indicator',
    ]),
    'multiplexer_map': ('plane', [1, 2, 3, 4]),
    'flow_calibration': ('plane', [1, 2, 3, 4]),
} %}

with

station_day as (
    select distinct
        station_id,
        read_date
    from {{ ref('int_lab_duplicates') }}
),
{% for seed, (key, items) in wanted.items() %}
{{ seed }}_in_force as (
    {{ seed_in_force(seed, 'station_day', key, [], has_end=(seed == 'log_limits')) }}
),
{% endfor %}
missing_policy as (
    select unnest({{ environment_groups() | map(attribute='policy') | unique | list }}) as item
    except
    select "group" from {{ ref('gap_policy') }}
),

with_data as (
    select station_id from {{ ref('int_environment_span') }}
    union
    select station_id from {{ ref('int_era5_hourly') }}
),

missing_station as (
    select station_id
    from with_data
    anti join {{ ref('dim_station') }} using (station_id)
)

select
    'gap_policy' as seed,
    null as station_id,
    item
from missing_policy
union all
select
    'station' as seed,
    station_id,
    null as item
from missing_station
{%- for seed in ['cutoff_rigidity', 'station_monitor'] %}
union all
select
    '{{ seed }}' as seed,
    station_id,
    null as item
from {{ ref('dim_station') }}
anti join {{ ref(seed) }} using (station_id)
where station_id != 0
{%- endfor %}
{%- for seed, (key, items) in wanted.items() %}
union all
select distinct
    '{{ seed }}' as seed,
    station_day.station_id,
    cast(wanted.item as varchar) as item
from station_day
cross join (select unnest({{ items }}) as item) as wanted
anti join {{ seed }}_in_force as in_force
    on station_day.station_id = in_force.station_id
    and station_day.read_date = in_force.read_date
    and wanted.item = in_force.{{ key }}
{%- endfor %}
