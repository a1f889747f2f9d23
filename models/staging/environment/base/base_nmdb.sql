{{ config(
    materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns',
    pre_hook="{{ lake_rows_hook('nmdb') }}", post_hook="{{ lake_rows_done() }}"
) }}

{{ lake_rows('nmdb') }}
