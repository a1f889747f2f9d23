{{ config(
    materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns',
    pre_hook="{{ lake_rows_hook('era5_single') }}", post_hook="{{ lake_rows_done() }}"
) }}

{{ lake_rows('era5_single') }}
