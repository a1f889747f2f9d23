"""Minutes follow the files: they add up; a new version replaces its part, a lost or superseded file takes it away."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from extract.daq.extract import extract_landing
from extract.daq.schema import N_COLUMNS, N_HEADER_COLUMNS, column_index
from warehouse import dbt
from warehouse.paths import Paths

START = datetime(2025, 3, 1, 10)
FIRST, SECOND, THIRD = "mi0025060100000", "mi0025060100232", "mi0025060100030"
TABLES = (
    "fct_minute_live",
    "fct_minute_count",
    "fct_minute_plane",
    "fct_minute_track",
    "int_minute_file",
    "int_second",
    "fct_plane_efficiency",
    "int_hour_pattern",
)


def line(second: int, number: int) -> str:
    """A coincidence of planes 1 and 2, unlike any other."""
    values = ["0000.0000"] * (N_COLUMNS - N_HEADER_COLUMNS)
    for plane in (1, 2):
        for side in ("front", "back"):
            for quantity, value in (("T", -127.0), ("Q", 100.0 + number % 5000 / 100)):
                values[column_index(plane, 2, side, quantity) - N_HEADER_COLUMNS] = f"{value:09.4f}"
    time = START + timedelta(seconds=second)
    return f"{time:%Y %m %d %H %M %S} 1 {' '.join(values)}\n"


def land(paths: Paths, stem: str, seconds: range, per_second: int) -> None:
    """A detector file of constant rate, newer than any before."""
    file = paths.data_dir / "landing" / "dat" / "station=0" / f"{stem}.dat"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [line(second, second * per_second + k) for second in seconds for k in range(per_second)]
    file.write_text("".join(lines))
    newest = max(path.stat().st_mtime for path in file.parent.iterdir())
    os.utime(file, (newest + 10, newest + 10))


def lose(paths: Paths, stem: str) -> None:
    """Remove a file from landing and lake."""
    for path in [*paths.data_dir.glob(f"landing/**/{stem}.*"), *paths.lake.glob(f"**/{stem}*.parquet")]:
        path.unlink()


def build(paths: Paths) -> None:
    extract_landing(paths.data_dir / "landing", paths.lake)
    result = dbt.run(paths, ["run", "--select", "+int_day_built", "+fct_file"])
    assert result.error is None


def content(paths: Paths) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the tables of minutes."""
    with duckdb.connect(str(paths.data_dir / "build.duckdb"), read_only=True) as connection:
        rows = {table: connection.execute(f"from {table}").fetchall() for table in TABLES}
    return {table: sorted((tuple(map(comparable, row)) for row in rows[table]), key=repr) for table in TABLES}


def comparable(value: object) -> object:
    """A value without the last digits of a sum of floats, which depend on the order of the rows."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def minutes(paths: Paths) -> dict[int, tuple[int, int, int]]:
    """Live seconds, live events and files of each minute after ten."""
    with duckdb.connect(str(paths.data_dir / "build.duckdb"), read_only=True) as connection:
        rows = connection.execute("select minute(minute_start), live_s, n_events_live, n_files from fct_minute_live")
        return {minute: (live_s, events, files) for minute, live_s, events, files in rows.fetchall()}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A data folder with seeds and no files."""
    made = Paths(tmp_path_factory.mktemp("days"))
    assert dbt.run(made, ["seed"]).error is None
    return made


def test_minutes_follow_the_files(paths: Paths, tmp_path: Path) -> None:
    land(paths, FIRST, range(151), 6)
    land(paths, SECOND, range(152, 361), 6)
    build(paths)
    both = minutes(paths)
    assert both[1] == (60, 360, 1)
    assert both[2] == (30 + 27, 57 * 6, 2)
    assert both[6] == (0, 0, 1)

    before = content(paths)
    build(paths)
    assert content(paths) == before

    land(paths, FIRST, range(121), 4)
    build(paths)
    replaced = minutes(paths)
    assert replaced[1] == (60, 240, 1)
    assert replaced[2] == (27, 27 * 6, 2)
    assert {m: replaced[m] for m in (3, 4, 5, 6)} == {m: both[m] for m in (3, 4, 5, 6)}

    lose(paths, SECOND)
    land(paths, THIRD, range(30, 181), 5)
    build(paths)
    last = minutes(paths)
    assert last[0] == (29, 29 * 5, 2)
    assert last[2] == (60, 300, 2)
    assert sorted(last) == [0, 1, 2, 3]

    anew = Paths(tmp_path)
    assert dbt.run(anew, ["seed"]).error is None
    land(anew, FIRST, range(121), 4)
    land(anew, THIRD, range(30, 181), 5)
    build(anew)
    assert content(anew) == content(paths)
