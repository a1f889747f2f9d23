"""CSV and Parquet files for analysts, made from the published file; what would not change is not touched."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from warehouse.files import replacing, sha256_of_file, write_bytes, write_json
from warehouse.paths import PROJECT_ROOT
from warehouse.settings import Settings

PARQUET_TABLES = {
    "large_table": "minute_start",
    "large_corrected_table": "bin_start",
    "fct_rate": "bin_start",
    "fct_efficiency": "bin_start",
}
README = """# Exports of the miniTRASGO network

Made from the published database; `manifest.json` lists every file with its SHA-256, rows and time span, `columns.csv`
every column with its description and unit. Times are UTC starts of intervals; an empty CSV field is a missing value.

Acknowledgements that must be kept in anything published from these files:

{terms}
"""


@dataclass(frozen=True)
class Target:
    """One export file: its path below the export folder, the query that fills it, and the column of its time span."""

    path: str
    query: str
    time_column: str | None


@dataclass
class ExportResult:
    """Paths (relative) written, left untouched because nothing changed, and removed because their rows are gone."""

    written: list[str] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def export(settings: Settings) -> ExportResult:
    """Write the exports that changed, then the manifest.

    The fingerprint of a file (rows and sum of row hashes, with the DuckDB and schema versions) decides; it is kept in
    `manifest.json`, which is written last.
    """
    folder = settings.paths.export
    before = _read_manifest(folder)
    files: dict[str, Any] = {}
    result = ExportResult()
    with duckdb.connect(str(settings.paths.serving), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        versions = connection.execute("select schema_version, duckdb_version, code_version from publication").fetchone()
        assert versions is not None
        same_versions = before.get("versions") == list(versions[:2])
        for target in _targets(connection, settings):
            facts = _facts(connection, target)
            if facts["rows"] == 0:
                continue
            path = folder / target.path
            old = before.get("files", {}).get(target.path, {})
            if same_versions and path.exists() and old.get("fingerprint") == facts["fingerprint"]:
                files[target.path] = old
                result.untouched.append(target.path)
                continue
            _render(connection, target, path)
            files[target.path] = facts | {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
            result.written.append(target.path)
        for name in sorted(set(before.get("files", {})) - set(files)):
            (folder / name).unlink(missing_ok=True)
            result.removed.append(name)
        if result.written or result.removed or not same_versions:
            _write_texts(connection, folder)
            write_json(
                folder / "manifest.json", {"versions": list(versions[:2]), "code_version": versions[2], "files": files}
            )
    return result


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        return {}
    return manifest


def _targets(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Target]:
    stations = connection.execute(
        "select distinct station_id, station_code from large_corrected_table order by 1"
    ).fetchall()
    if settings.export.csv:
        columns = _csv_columns(connection, "large_corrected_table")
        for station_id, code in stations:
            yield Target(
                f"{code}/large_corrected_table_{code}.csv",
                f"select {columns} from large_corrected_table where station_id = {int(station_id)}"
                " and bin_width_s = 3600 order by bin_start",
                "bin_start",
            )
        yield Target(
            "network/pressure_coefficient.csv",
            f"select {_csv_columns(connection, 'fct_pressure_coefficient')} from fct_pressure_coefficient"
            " order by coefficient_id",
            None,
        )
    if settings.export.parquet:
        for table, time_column in PARQUET_TABLES.items():
            yield from _partitions(connection, table, time_column)


def _partitions(connection: duckdb.DuckDBPyConnection, table: str, time_column: str) -> Iterator[Target]:
    partitions = connection.execute(
        f"select distinct station_id, strftime({time_column}, '%Y-%m') from {table} order by all"
    ).fetchall()
    order = [
        name for name in ("bin_width_s", time_column, "group_code", "plane") if name in _columns(connection, table)
    ]
    for station_id, month in partitions:
        yield Target(
            f"parquet/{table}/station={int(station_id)}/month={month}/part-0.parquet",
            f"select * from {table} where station_id = {int(station_id)}"
            f" and {time_column} >= date '{month}-01' and {time_column} < date '{month}-01' + interval 1 month"
            f" order by {', '.join(order)}",
            time_column,
        )


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {table}").fetchall()}


DEFAULT_DECIMALS = 6


def _decimal_rules() -> list[tuple[str, str, int]]:
    """Rows of seed `column_decimals`, longest name part first, so that `_pct_per_hpa` beats `_hpa`."""
    with (PROJECT_ROOT / "seeds" / "column_decimals.csv").open(newline="") as stream:
        rows = [(row["name_part"], row["position"], int(row["decimals"])) for row in csv.DictReader(stream)]
    return sorted(rows, key=lambda row: -len(row[0]))


def _decimals_of(name: str, rules: list[tuple[str, str, int]]) -> int:
    for part, position, decimals in rules:
        if name.endswith(part) if position == "end" else name.startswith(part):
            return decimals
    return DEFAULT_DECIMALS


def _csv_columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Column list of a CSV: floats rounded by their unit, formulas in text made harmless."""
    rules = _decimal_rules()
    parts = []
    for name, kind in _columns(connection, table).items():
        if kind == "DOUBLE":
            parts.append(f'round("{name}", {_decimals_of(name, rules)}) as "{name}"')
        elif kind == "VARCHAR":
            is_formula = f"\"{name}\"[1] in ('=', '+', '-', '@')"
            parts.append(f'case when {is_formula} then chr(39) || "{name}" else "{name}" end as "{name}"')
        else:
            parts.append(f'"{name}"')
    return ", ".join(parts)


def _facts(connection: duckdb.DuckDBPyConnection, target: Target) -> dict[str, Any]:
    span = (
        f"min({target.time_column})::varchar, max({target.time_column})::varchar"
        if target.time_column
        else "null, null"
    )
    row = connection.execute(f"select count(*), sum(hash(t))::varchar, {span} from ({target.query}) as t").fetchone()
    assert row is not None
    return {"rows": row[0], "fingerprint": f"{row[0]}-{row[1]}", "start_at": row[2], "end_at": row[3]}


def _render(connection: duckdb.DuckDBPyConnection, target: Target, path: Path) -> None:
    options = (
        "format parquet, compression zstd"
        if path.suffix == ".parquet"
        else "format csv, header, timestampformat '%Y-%m-%d %H:%M:%S'"
    )
    with replacing(path) as temporary:
        quoted = os.fspath(temporary).replace("'", "''")
        connection.execute(f"copy ({target.query}) to '{quoted}' ({options})")


def _write_texts(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    tables = sorted({*PARQUET_TABLES, "fct_pressure_coefficient"})
    rows = connection.execute(
        "select table_name, column_name, lower(data_type), comment from duckdb_columns()"
        f" where table_name in ({', '.join(repr(table) for table in tables)}) order by table_name, column_index"
    ).fetchall()
    with replacing(folder / "columns.csv") as temporary, temporary.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["table_name", "column_name", "data_type", "description"])
        writer.writerows(rows)
    terms = connection.execute("select source, acknowledgement from dim_source_terms order by source").fetchall()
    text = README.format(terms="\n\n".join(f"* {source}: {text}" for source, text in terms))
    write_bytes(folder / "README.md", text.encode())
