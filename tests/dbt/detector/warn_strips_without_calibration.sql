{# A twentieth or more of the strips of a run have a constant that neither an own fit nor a neighbour nor the reference
   gives. Their hits are lost. #}
{{ config(severity='warn') }}

with

strip as (
    select
        calibration.file_id,
        calibration.is_usable
    from {{ ref('fct_calibration') }} as calibration
    inner join {{ ref('int_file_todo') }} as todo on calibration.file_id = todo.file_id
)

select
    count(*) as n_strips,
    count(*) filter (where not is_usable) as n_unusable
from strip
having count(*) filter (where not is_usable) >= 0.05 * count(*) and count(*) > 0
