with

todo as (
    select * from {{ ref('int_file_todo') }}
),

period as (
    select * from {{ ref('int_parameter_period') }}
),

final as (
    select
        todo.file_id,
        period.station_id,
        {%- for parameter in detector_parameters() %}
        period.{{ parameter }},
        {%- endfor %}
        period.calibration_version
    from todo
    inner join period
        on
            todo.station_id = period.station_id
            and todo.start_date >= period.valid_from
            and (period.valid_to is null or todo.start_date < period.valid_to)
)

select * from final
