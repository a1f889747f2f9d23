{# Time bins. Origin of every width is 2000-01-01 00:00 UTC, so that widths of several days are the same for all stations. #}

{# The widths to build, in s. One hour is always among them: coefficients are fitted on hours. #}
{% macro bin_widths() %}
    {%- set widths = var('bin_widths_s') -%}
    {%- for width in widths -%}
        {%- if width is not integer or width < 60 or (86400 % width != 0 and width % 86400 != 0) -%}
            {{ exceptions.raise_compiler_error(
                "bin_widths_s: " ~ width ~ " s is not allowed; a width is at least 60 s and divides a day, or is a whole number of days") }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(([3600] + widths) | unique | sort | list) }}
{% endmacro %}

{# Rows (bin_width_s) for a cross join. #}
{% macro bin_width_rows() -%}
    select cast(unnest({{ bin_widths() }}) as integer) as bin_width_s
{%- endmacro %}

{# Start of the bin that holds a minute. #}
{% macro bin_start(minute_start, width) -%}
    timestamp '2000-01-01' + to_seconds(
        floor((epoch({{ minute_start }}) - 946684800) / {{ width }})::bigint * {{ width }}
    )
{%- endmacro %}

{# Mean over the minutes of a bin weighted with their live seconds; `weight` is NULL for a minute that is not used. #}
{% macro live_weighted_mean(value, weight) -%}
    sum({{ fixed(value ~ ' * ' ~ weight) }}) / sum({{ fixed('case when ' ~ value ~ ' is not null then ' ~ weight ~ ' end') }})
{%- endmacro %}

{# One word for a bin: the word of its minutes where they agree, else `mixed`. #}
{% macro common_word(word, condition) -%}
    case
        when min({{ word }}) filter (where {{ condition }}) = max({{ word }}) filter (where {{ condition }})
            then min({{ word }}) filter (where {{ condition }})
        when count({{ word }}) filter (where {{ condition }}) > 0 then 'mixed'
    end
{%- endmacro %}

{# Rows of a CTE of minutes, each in its bin of every width; in an incremental run only the bins to build. #}
{% macro binned(minute) -%}
    select
        {{ minute }}.*,
        bin_width.bin_width_s,
        {{ bin_start(minute ~ '.minute_start', 'bin_width.bin_width_s') }} as bin_start
    from {{ minute }}
    cross join ({{ bin_width_rows() }}) as bin_width
    {%- if is_incremental() %}
    where (
        {{ minute }}.station_id,
        {{ bin_start(minute ~ '.minute_start', 'bin_width.bin_width_s') }},
        bin_width.bin_width_s
    ) in (
        select (bin_todo.station_id, bin_todo.bin_start, bin_todo.bin_width_s)
        from {{ ref('int_correction_bin_todo') }} as bin_todo
    )
    {%- endif %}
{%- endmacro %}
