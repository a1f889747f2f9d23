"""The two detector files nobody here made: every row accounted for, topology equal to the truth, a second run idle."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.integration.conftest import Home

STEMS = {25060000000: "mi0025060000000", 25161000000: "mi0025161000000"}


def test_every_line_is_an_event_a_reject_or_a_comment(independent: Home) -> None:
    glob = str(independent.data_dir / "lake" / "raw_file" / "station=0" / "date=2025*" / "*.parquet")
    rows = duckdb.sql(f"select n_lines, n_events, n_rejects, n_comments from read_parquet('{glob}')").fetchall()
    assert sorted(row[1] for row in rows) == [5_000, 50_000]
    assert all(lines == events + rejects + comments for lines, events, rejects, comments in rows)


@pytest.mark.parametrize("file_id", STEMS)
def test_topology_equals_the_trigger_of_the_truth_on_every_row(
    independent: Home, shared_data: Path, file_id: int
) -> None:
    truth = pl.read_parquet(shared_data / "detector" / f"truth_{STEMS[file_id]}.parquet")
    glob = independent.data_dir / "lake" / "raw_event" / "station=0" / "date=2025*" / f"{STEMS[file_id]}*.parquet"
    events = pl.read_parquet(glob).sort("event_number")
    assert events["event_number"].to_list() == truth["dat_line"].to_list()
    assert events["raw_tt"].cast(pl.Int64).to_list() == truth["tt_trigger"].cast(pl.Int64).to_list()


def test_both_files_are_published(independent: Home) -> None:
    with duckdb.connect(str(independent.serving), read_only=True) as connection:
        files = connection.execute(
            "select file_id, n_events from fct_file where file_id >= ? order by file_id", [min(STEMS)]
        ).fetchall()
    assert files == [(25060000000, 5_000), (25161000000, 50_000)]


@pytest.mark.parametrize("command", ["extract", "transform", "publish"])
def test_second_run_does_nothing(independent: Home, command: str) -> None:
    assert independent.json(command)["state"] == "NothingToDo"


def test_acquiring_again_brings_nothing(independent: Home, shared_data: Path) -> None:
    files = [str(path) for path in sorted((shared_data / "detector").glob("*.dat.gz"))]
    answer = independent.json("acquire", "--local", *files)
    assert answer["state"] == "NothingToDo"
    assert answer["skipped"] == 2
