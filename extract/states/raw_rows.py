"""Rows of `raw_file` with the sources in their footers, many files in one query."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from extract.daq.schema import RAW_FILE
from extract.daq.store import Part, Source, parts_of_row

COLUMNS = (
    "filename",
    "source_kind",
    "status",
    "is_current",
    "n_events",
    "n_rejects",
    "n_fragments",
    "start_time",
    "file_size_bytes",
    "first_event_time",
    "last_event_time",
)


@dataclass(frozen=True)
class RawRow:
    """What a `raw_file` row says, and the landing files its content was read from."""

    lake_name: str
    source_kind: str
    status: str
    is_current: bool
    n_events: int
    n_rejects: int
    start_time: datetime
    file_size_bytes: int
    first_event_time: datetime | None
    last_event_time: datetime | None
    parts: frozenset[Part]
    sources: frozenset[Source]


def raw_path(lake: Path, station_id: int, lake_name: str) -> str:
    """Path of a `raw_file` lake file by its name, whose digits say the day."""
    start = datetime.strptime(lake_name[4:9], "%y%j")
    return f"{lake}/{RAW_FILE.name}/station={station_id}/date={start:%Y-%m-%d}/{lake_name}"


def read_rows(paths: Iterable[str]) -> dict[str, RawRow]:
    """The rows by the name of their lake file. Files that are gone or are no Parquet are left out."""
    found = sorted(path for path in paths if Path(path).is_file())
    if not found:
        return {}
    with duckdb.connect() as connection:
        try:
            return _read(connection, found)
        except duckdb.Error:
            rows: dict[str, RawRow] = {}
            for path in found:
                try:
                    rows |= _read(connection, [path])
                except duckdb.Error:
                    continue
            return rows


def _read(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> dict[str, RawRow]:
    footers = connection.execute(
        "select file_name, decode(value) from parquet_kv_metadata(?) where decode(key) = 'sources'", [paths]
    ).fetchall()
    sources = {
        path: frozenset(Source(str(file), int(size), int(mtime)) for file, size, mtime in json.loads(text))
        for path, text in footers
    }
    options = "filename = true, union_by_name = true, hive_partitioning = false"
    query = f"select {', '.join(COLUMNS)} from read_parquet(?, {options})"
    rows = {}
    for values in connection.execute(query, [paths]).fetchall():
        row = dict(zip(COLUMNS, values, strict=True))
        name = row["filename"].rpartition("/")[2]
        rows[name] = RawRow(
            lake_name=name,
            source_kind=row["source_kind"],
            status=row["status"],
            is_current=row["is_current"],
            n_events=row["n_events"],
            n_rejects=row["n_rejects"],
            start_time=row["start_time"],
            file_size_bytes=row["file_size_bytes"],
            first_event_time=row["first_event_time"],
            last_event_time=row["last_event_time"],
            parts=frozenset(parts_of_row(row)),
            sources=sources.get(row["filename"], frozenset()),
        )
    return rows
