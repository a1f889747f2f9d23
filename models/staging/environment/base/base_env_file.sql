{{ config(
    materialized='incremental', incremental_strategy='append',
    on_schema_change='append_new_columns', pre_hook="{{ lake_rows_hook('env_file') }}"
) }}

{{ lake_rows('env_file') }}
