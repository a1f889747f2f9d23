{# Pre-hook that stops the build with a sentence when the seed `detector_parameter` is not what the models rely on. #}
{% macro detector_parameter_check_hook() -%}
    with

    expected (parameter, unit) as (
        values
        {%- for parameter, unit in detector_parameters().items() %}
        ('{{ parameter }}', '{{ unit }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ),

    seed as (
        select
            parameter,
            station_id,
            valid_from,
            unit,
            value,
            concat_ws(' ', parameter, 'station ' || coalesce(cast(station_id as varchar), 'any'), valid_from) as seed_row
        from {{ ref('detector_parameter') }}
    ),

    problem as (
        select 'no general row of ' || parameter as text
        from expected
        where parameter not in (select parameter from seed where station_id is null and valid_from is null)
        union all
        select 'unknown name in row ' || seed_row
        from seed
        where parameter not in (select parameter from expected)
        union all
        select 'unit ' || coalesce(seed.unit, 'missing') || ' instead of ' || expected.unit || ' in row ' || seed.seed_row
        from seed
        inner join expected using (parameter)
        where seed.unit is distinct from expected.unit
        union all
        select 'no finite value in row ' || seed_row
        from seed
        where value is null or not isfinite(value)
        union all
        select 'twice the row ' || seed_row
        from seed
        group by seed_row
        having count(*) > 1
    )

    select if(count(*) > 0, error('seed detector_parameter: ' || string_agg(text, '; ' order by text)), null)
    from problem
{%- endmacro %}
