"""A build of a few rows, for tests of what is made from it."""

import json
from pathlib import Path

import duckdb

from warehouse import build
from warehouse.settings import Settings

TABLES = {
    "large_corrected_table": """
        select 1::tinyint as station_id, 'MINGO01' as station_code, h as bin_start, 3600 as bin_width_s,
               '=1+1' as remark, 12.34567891 + epoch(h) * 1e-9 as rate_final_hz
        from range(timestamp '2025-01-30', timestamp '2025-02-03', interval 1 hour) as t (h)
    """,
    "large_table": """
        select 1::tinyint as station_id, timestamp '2025-01-30 00:00' + to_minutes(m) as minute_start,
               case m when 0 then 7 when 1 then 0 end as n_events
        from range(3) as t (m)
    """,
    "fct_rate": """
        select 1::tinyint as station_id, timestamp '2025-01-30' as bin_start, 3600 as bin_width_s, 'all' as group_code
    """,
    "fct_efficiency": """
        select 1::tinyint as station_id, timestamp '2025-01-30' as bin_start, 3600 as bin_width_s, 1::tinyint as plane
    """,
    "fct_pressure_coefficient": "select 'x' as coefficient_id, -0.2 as beta_pct_per_hpa",
    "fct_minute_count": """
        select 1::tinyint as station_id, timestamp '2025-01-30' as minute_start, 'fit_tt' as tt_kind,
               1234::smallint as tt, 'R1.3' as region_code, 7::bigint as n_events
    """,
    "dim_source_terms": """
        select 'nmdb_nest' as source, 'Monitors' as title, null as provider_url,
               'Acknowledge the monitors' as acknowledgement, null as citations, 'Not for sale' as licence,
               'OULU: its institute' as header_text
    """,
}
# a view of a published table stays a view, wherever its name stands in the alphabet; one of a private table cannot
VIEWS = {"the_first_view": "fct_rate", "a_second_view": "the_first_view"}


def write_build(data_dir: Path) -> Settings:
    """Write a finished build into ``data_dir``; returns the settings that publish it."""
    settings = Settings(data_dir=data_dir)
    nodes = {}
    with duckdb.connect(str(settings.paths.build)) as connection:
        for name, query in TABLES.items():
            connection.execute(f"create table {name} as {query}")
            columns = [row[0] for row in connection.execute(f"describe {name}").fetchall()]
            described = {column: {"description": f"It's {column}"} for column in columns}
            tag = "publish_counts" if name == "fct_minute_count" else "publish"
            nodes[name] = {"name": name, "description": f"Table {name}", "columns": described, "tags": [tag]}
        for name, source in VIEWS.items():
            connection.execute(f"create view {name} as select * from build.main.{source}")
            meta = {"columns_of": "fct_rate", "columns_like": {"extra_*": "An extra (Hz)"}}
            nodes[name] = {"name": name, "description": f"View {name}", "columns": {}, "tags": ["publish"]}
            nodes[name] |= {"depends_on": {"nodes": [f"model.mingo.{source}"]}, "config": {"meta": meta}}
        connection.execute("create table int_private as select 1 as x")
    nodes["int_private"] = {"name": "int_private", "description": "", "columns": {}, "tags": []}
    settings.paths.dbt_target.mkdir(parents=True)
    (settings.paths.dbt_target / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    build.write_info(settings.paths.build, "f1", is_publishable=True, n_warnings=0)
    return settings


def change(settings: Settings, statement: str, *, is_publishable: bool = True) -> None:
    """Change the build, as another transformation would."""
    with duckdb.connect(str(settings.paths.build)) as connection:
        connection.execute(statement)
    build.write_info(settings.paths.build, "f2", is_publishable=is_publishable, n_warnings=0)
