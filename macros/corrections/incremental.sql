{# What a run of the minutes and bins works on. `int_correction_day_todo` lists the days of a station whose inputs changed,
   `int_correction_bin_todo` the bins that touch them; `int_correction_done`, built after all of these tables, remembers the
   inputs they were made from. A run killed anywhere is therefore repaired by the next one, and a day that lost its inputs
   loses its rows. #}

{# Incremental strategies: the rows of the days, or of the bins, of this run are replaced. #}
{% macro get_incremental_replace_correction_day_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arg_dict['target_relation'] }}
    where (station_id, date_trunc('day', minute_start)) in (select (station_id, day_start) from {{ ref('int_correction_day_todo') }});
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{% macro get_incremental_replace_correction_bin_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arg_dict['target_relation'] }}
    where (station_id, bin_start, bin_width_s) in (select (station_id, bin_start, bin_width_s) from {{ ref('int_correction_bin_todo') }});
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{# Pre-hook: the time from the first to the last day or bin of this run, so that the rest of a table is not read. #}
{% macro correction_day_hook() -%}
    set variable correction_from = (select min(day_start) from {{ ref('int_correction_day_todo') }});
    set variable correction_until = (select max(day_start) + interval 1 day from {{ ref('int_correction_day_todo') }})
{%- endmacro %}

{% macro correction_bin_hook() -%}
    set variable correction_from = (select min(bin_start) from {{ ref('int_correction_bin_todo') }});
    set variable correction_until = (select max(bin_start + to_seconds(bin_width_s)) from {{ ref('int_correction_bin_todo') }})
{%- endmacro %}

{# Conditions on a minute, true in a run that is not incremental: inside that time, `margin` minutes more on each side; and
   inside a day of this run. #}
{% macro within_correction_time(minute_start, margin=0) -%}
    {%- if is_incremental() -%}
    (
        {{ minute_start }} >= getvariable('correction_from')::timestamp - interval {{ margin }} minutes
        and {{ minute_start }} < getvariable('correction_until')::timestamp + interval {{ margin }} minutes
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{% macro in_correction_day(station_id, minute_start) -%}
    {%- if is_incremental() -%}
    {{ within_correction_time(minute_start) }}
    and ({{ station_id }}, date_trunc('day', {{ minute_start }})) in (
        select (day_todo.station_id, day_todo.day_start)
        from {{ ref('int_correction_day_todo') }} as day_todo
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
