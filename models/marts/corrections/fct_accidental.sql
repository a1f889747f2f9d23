with

bin_list_count as (
    select * from {{ ref('int_bin_list_count') }}
),

bin_count as (
    select * from {{ ref('int_bin_count') }}
    where live_s > 0
),

bin_efficiency as (
    select * from {{ ref('int_bin_efficiency') }}
    where eff_status = 'ok'
),

configuration_trigger as (
    select distinct
        station_id,
        conf_number,
        [trigger_1, trigger_2, trigger_3, trigger_4] as triggers
    from {{ ref('dim_file') }}
    where conf_number is not null
),

joined as (
    select
        bin_list_count.*,
        bin_count.conf_number,
        bin_count.live_s,
        {%- for k in [1, 2, 3, 4] %}
        bin_efficiency.eff_{{ k }},
        bin_efficiency.eff_{{ k }}_sigma{%- if not loop.last %},{% endif %}
        {%- endfor %}
    from bin_list_count
    inner join bin_count using (station_id, bin_start, bin_width_s)
    left join bin_efficiency using (station_id, bin_start, bin_width_s)
),

-- a track that leaves both named planes unfired: N1234 (1 - e) / e for each of them
expected as (
    {%- for tt, a, b in [('12', 3, 4), ('23', 1, 4), ('34', 1, 2), ('13', 2, 4), ('24', 1, 3), ('14', 2, 3)] %}
    select
        station_id,
        bin_start,
        bin_width_s,
        conf_number,
        live_s,
        '{{ tt }}' as tt,
        n_list_{{ tt }} as n_measured,
        n_list_1234 * (1 - eff_{{ a }}) / eff_{{ a }} * (1 - eff_{{ b }}) / eff_{{ b }} as n_expected,
        n_list_1234 * sqrt(
            pow((1 - eff_{{ a }}) / eff_{{ a }} * eff_{{ b }}_sigma / pow(eff_{{ b }}, 2), 2)
            + pow((1 - eff_{{ b }}) / eff_{{ b }} * eff_{{ a }}_sigma / pow(eff_{{ a }}, 2), 2)
        ) as n_expected_sigma
    from joined
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

final as (
    select
        expected.station_id,
        expected.bin_start,
        expected.bin_width_s,
        expected.tt,
        list_contains(configuration_trigger.triggers, cast(expected.tt as integer)) as is_triggerable,
        expected.n_measured,
        expected.n_expected,
        expected.n_measured - expected.n_expected as n_excess,
        (expected.n_measured - expected.n_expected) / expected.live_s as excess_hz,
        sqrt(greatest(expected.n_measured, 1) + pow(expected.n_expected_sigma, 2)) / expected.live_s as excess_sigma_hz
    from expected
    left join configuration_trigger using (station_id, conf_number)
)

select * from final
