{# Rows of one reading that say different things: settled by precedence, worth a look. #}
{{ config(severity='warn') }}

select
    station_id,
    kind,
    read_date,
    n_conflict
from {{ ref('int_lab_duplicates') }}
where n_conflict > 0
