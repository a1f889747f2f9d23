{{ config(pre_hook="{{ detector_parameter_check_hook() }}") }}

with

seed as (
    select * from {{ ref('detector_parameter') }}
),

station as (
    select station_id from {{ ref('int_raw_file') }}
    union
    select station_id from {{ ref('int_station_configuration') }}
    union
    select station_id from seed
    where station_id is not null
),

period as (
    select distinct
        station.station_id,
        coalesce(seed.valid_from, date '1970-01-01') as valid_from
    from station
    inner join seed on seed.station_id is null or station.station_id = seed.station_id
),

candidate as (
    select
        period.station_id,
        period.valid_from,
        seed.parameter,
        seed.value,
        list_contains(
            [
                {%- for parameter in calibration_parameters() %}
                '{{ parameter }}',
                {%- endfor %}
                ''
            ],
            seed.parameter
        ) as is_calibration,
        row_number() over (
            partition by period.station_id, period.valid_from, seed.parameter
            order by seed.station_id is not null desc, seed.valid_from desc nulls last
        ) as rank
    from period
    inner join seed
        on
            (seed.station_id is null or period.station_id = seed.station_id)
            and (seed.valid_from is null or period.valid_from >= seed.valid_from)
),

final as (
    select
        cast(station_id as tinyint) as station_id,
        valid_from,
        lead(valid_from) over (partition by station_id order by valid_from) as valid_to,
        sha256(string_agg(parameter || '=' || value, ' ' order by parameter)) as parameter_hash,
        {%- for parameter in detector_parameters() %}
        max(value) filter (where parameter = '{{ parameter }}') as {{ parameter }},
        {%- endfor %}
        left(
            sha256(
                concat(
                    string_agg(parameter || '=' || value, ' ' order by parameter) filter (where is_calibration),
                    ' code={{ calibration_code_version() | trim }}'
                )
            ),
            16
        ) as calibration_version
    from candidate
    where rank = 1
    group by station_id, valid_from
)

select * from final
