{# Facts of a detector file that hang on its station and configuration. #}

{# MINGO02 was cabled with strips 3 and 4 of plane 4 exchanged until its configuration 2. Without any configuration
   (conf_number NULL) nothing is exchanged. #}
{% macro is_cable_swapped(station_id, conf_number) -%}
    coalesce({{ station_id }} = 2 and {{ conf_number }} < 2, false)
{%- endmacro %}

{# The order in which the versions of a file replace each other, best first: the station's text before an HLD, the
   newest source, the highest version number, the newest parser. What the extractor knew to be outdated comes last. #}
{% macro newest_version_first() -%}
    is_current desc,
    source_kind = 'dat' desc,
    remote_modified_at desc nulls last,
    version_number desc,
    parser_version desc,
    extracted_at desc,
    content_sha256 desc
{%- endmacro %}

{# All four heights are given and not all of them are zero. #}
{% macro has_heights(z_1, z_2, z_3, z_4) -%}
    coalesce(
        {{ z_1 }} is not null and {{ z_2 }} is not null and {{ z_3 }} is not null and {{ z_4 }} is not null
        and ({{ z_1 }} != 0 or {{ z_2 }} != 0 or {{ z_3 }} != 0 or {{ z_4 }} != 0),
        false
    )
{%- endmacro %}

{# Hash of the whole content of a relation, independent of the order of its rows. #}
{% macro content_hash(relation) -%}
    (select sha256(coalesce(string_agg(cast(t as varchar), chr(10) order by cast(t as varchar)), '')) from {{ relation }} as t)
{%- endmacro %}
