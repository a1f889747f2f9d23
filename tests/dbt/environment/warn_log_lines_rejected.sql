{# More than a twentieth of a log's lines rejected: the station writes something the rules do not know. #}
{{ config(severity='warn') }}

select
    station_id,
    kind,
    source_file,
    n_lines,
    n_rejects
from {{ ref('stg_env_file') }}
where source = 'lab_log' and status = 'ok' and n_rejects > 0.05 * n_lines
