{# Seeds with dated rows, for one station or (station_id empty) for all. #}

{# The row in force on each day: a row of the station beats a row for all, then the newest `valid_from` wins.
   `days` is a relation with station_id and read_date; `key` the column that names what a row is about; `columns` what
   to take. Both ends of a validity are inclusive. #}
{% macro seed_in_force(seed, days, key, columns, has_end=false) -%}
    select
        wanted.station_id,
        wanted.read_date,
        {%- for column in [key] + columns %}
        dated.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ days }} as wanted
    inner join {{ ref(seed) }} as dated
        on (dated.station_id is null or wanted.station_id = dated.station_id)
        and (dated.valid_from is null or wanted.read_date >= dated.valid_from)
        {%- if has_end %}
        and (dated.valid_to is null or wanted.read_date <= dated.valid_to)
        {%- endif %}
    qualify row_number() over (
        partition by wanted.station_id, wanted.read_date, dated.{{ key }}
        order by dated.station_id is null asc, dated.valid_from desc nulls last
    ) = 1
{%- endmacro %}
