with

period as (
    select * from {{ ref('int_parameter_period') }}
),

final as (
    select
        station_id,
        calibration_version,
        {{ detector_parameters() | join(',\n        ') }}
    from period
    where valid_to is null
)

select * from final
