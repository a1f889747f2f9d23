{#- The inputs that the tables of minutes and bins were made from. Built after all of them. -#}
-- depends_on: {{ ref('large_table') }}, {{ ref('int_bin_count') }}, {{ ref('int_bin_list_count') }}
-- depends_on: {{ ref('int_bin_environment') }}, {{ ref('int_bin_region') }}
with

fingerprint as (
    select * from {{ ref('int_correction_input') }}
),

final as (
    select
        station_id,
        day_start,
        fingerprint
    from fingerprint
)

select * from final
