"""The marks by which a build knows what it holds, and how to take them away so that it is computed again.

`fct_file` marks a file, `int_day_built` the day of a station, `int_correction_done` a corrected day. What bears no mark
is computed by the next run, whatever ended the one before: so a redo needs no mechanism of its own.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

FILES = """
create temp table redo as
select file_id, station_id, cast(start_time as date) as start_day
from fct_file
where cast(start_time as date) between ? and ? and (cast(? as tinyint) is null or station_id = ?)
"""
# The corrections of a day look half an hour into the days beside it, and a file may end on the day after its start.
FORGET = {
    "int_correction_done": "where (station_id, cast(day_start as date)) in ("
    " select (day.station_id, day.day + near) from int_day_built as day semi join redo using (file_id),"
    " unnest([-1, 0, 1]) as offset_day (near))",
    "int_day_built": "where file_id in (select file_id from redo)",
    "fct_file": "where file_id in (select file_id from redo)",
}


class NothingToRedoError(Exception):
    """No held file starts in the days; the message says which there are."""


@dataclass(frozen=True)
class Span:
    """Files that start from the first to the last day, UTC, both included; of one station, or of all."""

    first: date
    last: date
    station_id: int | None = None

    def __str__(self) -> str:
        station = "" if self.station_id is None else f" of station {self.station_id}"
        return f"{self.first} to {self.last}{station}"


def forget(build: Path, span: Span) -> int:
    """Take the marks of the files of ``span`` away, in one transaction; returns the number of files.

    The tables keep their rows until they are replaced. Until then the build counts as unfinished, so that it is not
    published. The caller holds the lock ``build``.

    Raises
    ------
    NothingToRedoError
        When the build holds no such file.
    """
    if not build.exists():
        raise NothingToRedoError("there is no build yet; run `mingo transform` first")
    with duckdb.connect(str(build)) as connection:
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
        if "fct_file" not in tables:
            raise NothingToRedoError("the build holds no file yet; run `mingo transform` first")
        connection.begin()
        connection.execute(FILES, [span.first, span.last, span.station_id, span.station_id])
        n_files = _count(connection, "select count(*) from redo")
        if not n_files:
            connection.rollback()
            raise NothingToRedoError(f"no held file starts from {span}; {_present(connection, span.station_id)}")
        for table, condition in FORGET.items():
            if table in tables and (table != "int_correction_done" or "int_day_built" in tables):
                connection.execute(f"delete from {table} {condition}")
        if "build_info" in tables:
            connection.execute("update build_info set input_fingerprint = '', is_publishable = false")
        connection.execute("drop table redo")
        connection.commit()
    return n_files


def _present(connection: duckdb.DuckDBPyConnection, station_id: int | None) -> str:
    row = connection.execute(
        "select min(start_time), max(start_time) from fct_file where ? is null or station_id = ?",
        [station_id, station_id],
    ).fetchone()
    if row is None or row[0] is None:
        return "it holds none at all" if station_id is None else "it holds none of this station"
    return f"they start from {row[0]:%Y-%m-%d} to {row[1]:%Y-%m-%d}"


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])
