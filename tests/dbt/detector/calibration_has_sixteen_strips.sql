{# Every file of the run with events has one calibration row for each strip. #}
select
    todo.file_id,
    count(calibration.strip) as n_rows
from {{ ref('int_file_todo') }} as todo
left join {{ ref('fct_calibration') }} as calibration on todo.file_id = calibration.file_id
where todo.lake_path is not null
group by todo.file_id
having count(calibration.strip) != 16
