{# A value is NULL exactly where its word is, and only values that a policy bridges are interpolated. #}
select
    station_id,
    minute_start
from {{ ref('fct_environment_minute') }}
where false
    {%- for quantity in ['pressure_lab_hpa', 'temp_lab_degc', 'rh_lab_pct'] %}
    or ({{ quantity }} is null) != ({{ quantity.rsplit('_', 1)[0] }}_source is null)
    {%- endfor %}
    {%- for group in environment_groups() %}
    {%- if group.policy == 'air' %}
    {%- for column in group.columns %}
    or ({{ column }} is null) != ({{ column }}_fill is null)
    {%- endfor %}
    {%- elif group.fill %}
    or (coalesce({{ group.columns | join(', ') }}) is null) != ({{ group.fill }} is null)
    {%- endif %}
    {%- endfor %}
    or (coalesce(era5_fill, era5_profile_fill) is null) != (is_era5_preliminary is null)
