{#- Everything the correction needs to know of a station that has data. A missing value stops the build here, before any
    fit, naming the station and the column; references of the temperature may be left to the data. -#}
{%- set needed = [
    'reference_pressure_hpa', 'pressure_sigma_hpa', 'beta_seed_pct_per_hpa', 'beta_seed_sigma_pct_per_hpa', 'hv_min_kv',
] -%}
with

station_with_data as (
    select distinct station_id from {{ ref('int_bin_count') }}
),

station as (
    select * from {{ ref('dim_station') }}
),

station_reference as (
    select * from {{ ref('station_reference') }}
),

joined as (
    select
        station_with_data.station_id,
        coalesce(station.station_code, 'station ' || station_with_data.station_id) as station_code,
        station.reference_pressure_hpa,
        station_reference.pressure_sigma_hpa,
        station_reference.beta_seed_pct_per_hpa,
        station_reference.beta_seed_sigma_pct_per_hpa,
        station_reference.hv_min_kv,
        station_reference.temp_mass_ref_k,
        station_reference.temp_100hpa_ref_k,
        station_reference.height_100hpa_ref_m
    from station_with_data
    left join station using (station_id)
    left join station_reference using (station_id)
),

final as (
    select
        station_id,
        station_code,
        {%- for name in needed %}
        cast({{ present_or_error(name) }} as double) as {{ name }},
        {%- endfor %}
        temp_mass_ref_k,
        temp_100hpa_ref_k,
        height_100hpa_ref_m
    from joined
)

select * from final
