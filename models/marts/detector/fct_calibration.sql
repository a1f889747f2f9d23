{{ config(
    materialized='incremental',
    incremental_strategy='replace_file',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}

with

file as (
    select
        known.file_id,
        known.station_id,
        known.conf_number,
        raw_file.first_event_time as valid_from,
        raw_file.last_event_time as valid_to,
        parameter.calibration_version,
        parameter.crosstalk_limit_max_ns,
        parameter.slewing_enabled = 1 as is_slewing_enabled
    from {{ ref('dim_file') }} as known
    inner join {{ ref('int_raw_file') }} as raw_file on known.lake_path = raw_file.lake_path
    inner join {{ ref('int_file_parameter') }} as parameter on known.file_id = parameter.file_id
),

geometry as (
    select * from {{ ref('strip_geometry') }}
),

{# one row a strip: value and status of each constant #}
channel as (
    select
        file_id,
        plane,
        strip,
        {%- for constant in channel_constants() %}
        any_value(value_ns) filter (where constant = '{{ constant }}') as {{ constant }}_ns,
        any_value(status) filter (where constant = '{{ constant }}') as {{ constant }}_status,
        {%- endfor %}
        max(n_before) as n_before,
        max(n_after) as n_after
    from {{ ref('int_cal_channel_used') }}
    group by file_id, plane, strip
),

strip as (
    select
        file_id,
        plane,
        strip,
        {%- for constant in strip_constants() %}
        any_value(value_ns) filter (where constant = '{{ constant }}') as {{ constant_column(constant) }},
        any_value(status) filter (where constant = '{{ constant }}') as {{ constant }}_status,
        {%- endfor %}
        max(n_before) as n_before,
        max(n_after) as n_after
    from {{ ref('int_cal_strip_used') }}
    group by file_id, plane, strip
),

own_channel as (
    select
        file_id,
        plane,
        strip,
        max(width_ns) filter (where side = 'both') as t_dif_box_width_ns,
        max(n_entries) filter (where side = 'both') as n_two_ended
    from {{ ref('int_cal_channel') }}
    {{ where_in_run() }}
    group by file_id, plane, strip
),

own_strip as (
    select * from {{ ref('int_cal_strip') }}
    {{ where_in_run() }}
),

front_back as (
    select * from {{ ref('int_cal_front_back_used') }}
),

channel_status as (
    select
        file_id,
        plane,
        strip,
        max(n_good) filter (where side = 'front') as n_front,
        max(n_good) filter (where side = 'back') as n_back
    from {{ ref('fct_channel_status') }}
    where file_id in (select file.file_id from file)
    group by file_id, plane, strip
),

joined as (
    select
        file.*,
        geometry.plane,
        geometry.strip,
        {%- for constant in channel_constants() %}
        channel.{{ constant }}_ns,
        channel.{{ constant }}_status,
        {%- endfor %}
        {%- for constant in strip_constants() %}
        strip.{{ constant_column(constant) }},
        strip.{{ constant }}_status,
        {%- endfor %}
        {%- for column in front_back_columns() %}
        front_back.{{ column }},
        {%- endfor %}
        front_back.status as fb_status,
        own_channel.t_dif_box_width_ns,
        own_strip.t_sum_sigma_ps,
        own_strip.t_sum_gauge,
        coalesce(own_strip.crosstalk_fit = 'no_peak', false) as has_no_peak,
        channel_status.n_front,
        channel_status.n_back,
        coalesce(own_channel.n_two_ended, 0) as n_two_ended,
        coalesce(own_strip.n_links, 0) as n_links,
        greatest(channel.n_before, strip.n_before) as n_neighbours_before,
        greatest(channel.n_after, strip.n_after) as n_neighbours_after
    from file
    cross join geometry
    inner join channel
        on file.file_id = channel.file_id and geometry.plane = channel.plane and geometry.strip = channel.strip
    inner join strip
        on file.file_id = strip.file_id and geometry.plane = strip.plane and geometry.strip = strip.strip
    inner join front_back
        on
            file.file_id = front_back.file_id
            and geometry.plane = front_back.plane
            and geometry.strip = front_back.strip
    inner join channel_status
        on
            file.file_id = channel_status.file_id
            and geometry.plane = channel_status.plane
            and geometry.strip = channel_status.strip
    left join own_channel
        on
            file.file_id = own_channel.file_id
            and geometry.plane = own_channel.plane
            and geometry.strip = own_channel.strip
    left join own_strip
        on file.file_id = own_strip.file_id and geometry.plane = own_strip.plane and geometry.strip = own_strip.strip
),

{# A file whose own spectrum shows no peak borrows none. #}
crosstalk as (
    select
        * exclude (crosstalk_mu_ns, crosstalk_sigma_ns, crosstalk_mu_status),
        if(has_no_peak, 'no_peak', crosstalk_mu_status) as crosstalk_status,
        if(has_no_peak, null, crosstalk_mu_ns) as crosstalk_mu_ns,
        if(has_no_peak, null, crosstalk_sigma_ns) as crosstalk_sigma_ns
    from joined
),

final as (
    select
        file_id,
        plane,
        strip,
        station_id,
        conf_number,
        valid_from,
        valid_to,
        calibration_version,
        cast(current_timestamp as timestamp) as computed_at,
        q_pedestal_front_ns,
        q_pedestal_back_ns,
        {{ worst_status('q_pedestal_front_status', 'q_pedestal_back_status') }} as q_status,
        t_dif_offset_ns,
        t_dif_box_width_ns,
        t_dif_offset_status as t_dif_status,
        {{ front_back_columns() | join(',\n        ') }},
        fb_status,
        t_sum_offset_ns,
        t_sum_sigma_ps,
        t_sum_gauge,
        {%- for constant in ['t_slew', 't_slew_ref', 't_slew_low', 't_slew_high'] %}
        if(is_slewing_enabled, {{ constant_column(constant) }}, null) as {{ constant_column(constant) }},
        {%- endfor %}
        t_sum_offset_status as t_sum_status,
        crosstalk_status,
        crosstalk_mu_ns,
        crosstalk_sigma_ns,
        crosstalk_mu_ns - 2 * crosstalk_sigma_ns as crosstalk_pedestal_ns,
        coalesce(
            least(crosstalk_mu_ns + 3 * crosstalk_sigma_ns, crosstalk_limit_max_ns), crosstalk_limit_max_ns
        ) as crosstalk_limit_ns,
        n_front,
        n_back,
        n_two_ended,
        n_links,
        n_neighbours_before,
        n_neighbours_after,
        q_status != 'none' and t_dif_status != 'none' and t_sum_status != 'none' as is_usable
    from crosstalk
)

select * from final
