"""Looking at files of one station, and computing them again when a neighbour came later: all on one data folder."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from flows.cli import app
from simulate.config import DEMO_STATIONS, NetworkConfig
from simulate.logbook import write_logbook
from simulate.network import Job, detector_file
from simulate.rate import file_spans
from tests.integration.conftest import Home
from warehouse.lock import held

FIRST, SECOND, LATER = 125062000000, 125062010000, 125064010000
DAY = ("--from", "2025-03-03", "--to", "2025-03-03", "--station", "MINGO01")
STATION = replace(DEMO_STATIONS[1], rate_hz=1.5, self_trigger_hz=0.0)
NETWORK = NetworkConfig((STATION,), datetime(2025, 3, 3), days=2.125, seed=3, file_hours=1.0)
NEIGHBOURS = """
select file_id, max(n_neighbours_before), max(n_neighbours_after) from fct_calibration group by file_id order by file_id
"""
# What a redo with equal constants must leave as it was; counts exactly.
CONTENT = {
    "events": "select file_id, count(*), sum(event_number) from fct_track where file_id < ? group by 1 order by 1",
    "minutes": "select minute_start, tt_kind, tt, sum(n_events) from fct_minute_count where minute_start < '2025-03-04'"
    " and ? > 0 group by all order by all",
    "files": "select file_id, lineage_id from fct_file where file_id < ? order by 1",
    "days": "select station_id, day, file_id, lineage_id from int_day_built where file_id < ? order by all",
    "corrected days": "select station_id, day_start from int_correction_done"
    " where day_start < '2025-03-04' and ? > 0 order by all",
}


def rows(home: Home, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.build), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


@dataclass(frozen=True)
class Told:
    """The data folder, and what was there before the later file came and after the redo of the earlier ones."""

    home: Home
    neighbours: list[list[tuple[Any, ...]]]
    content: list[dict[str, list[tuple[Any, ...]]]]
    redo: dict[str, Any]

    def ask(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """What a command says, run in this process; its exit code must be ``code``."""
        settings = {"MINGO_DATA_DIR": str(self.home.data_dir), "MINGO_CONFIG": str(self.home.data_dir / "none.toml")}
        result = CliRunner().invoke(app, list(arguments), env=settings | environment)
        assert result.exit_code == code, result.output
        return result.output

    def json(self, *arguments: str) -> dict[str, Any]:
        """The JSON answer of a command."""
        answer: dict[str, Any] = json.loads(self.ask(*arguments, "--json"))
        return answer


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Two files of a day; then one of two days later together with a redo of that day."""
    home = Home(tmp_path_factory.mktemp("look"))
    landing, truth = home.data_dir / "landing", home.data_dir / "truth"
    write_logbook(NETWORK, STATION, landing)
    spans = file_spans(NETWORK, STATION)
    neighbours, content = [], []
    for new, redo in ((spans[:2], []), (spans[49:50], ["--recalibrate", *DAY])):
        for span in new:
            detector_file(Job(NETWORK, STATION, span, landing, truth), span)
        home.mingo("extract")
        answer = home.json("transform", *redo)
        neighbours.append(rows(home, NEIGHBOURS))
        content.append({name: rows(home, sql, LATER) for name, sql in CONTENT.items()})
    return Told(home, neighbours, content, answer)


def test_a_redo_takes_in_the_neighbours_that_came_later(told: Told) -> None:
    assert told.neighbours[0] == [(FIRST, 0, 1), (SECOND, 1, 0)]
    assert told.neighbours[1] == [(FIRST, 0, 2), (SECOND, 1, 1), (LATER, 2, 0)]


def test_a_redo_makes_files_days_and_corrected_days_again(told: Told) -> None:
    assert (told.redo["state"], told.redo["n_files"], told.redo["n_waiting"]) == ("Completed", 3, 0)
    assert rows(told.home, "select file_id from int_file_todo order by 1") == [(FIRST,), (SECOND,), (LATER,)]
    for todo in (
        "select 1 from int_day_todo where day = ?",
        "select 1 from int_correction_day_todo where day_start = ?",
    ):
        assert rows(told.home, todo, "2025-03-03") == [(1,)]


def test_a_redo_leaves_what_did_not_change_as_it_was(told: Told) -> None:
    assert told.content[1] == told.content[0]
    assert all(told.content[1].values())
    assert len(told.content[1]["files"]) == 2


def test_after_a_redo_there_is_nothing_to_do(told: Told) -> None:
    assert told.json("transform")["state"] == "NothingToDo"


def test_a_redo_of_days_without_files_says_which_there_are(told: Told) -> None:
    said = told.ask("transform", "--recalibrate", "--from", "2025-01-01", "--to", "2025-01-02", code=1)
    assert "they start from 2025-03-03 to 2025-03-05" in said
    assert told.json("transform")["state"] == "NothingToDo"


def test_show_tells_where_each_constant_came_from(told: Told) -> None:
    day = told.json("calibrate", "show", "--station", "MINGO01", "--date", "2025-03-03")
    assert [file["file_id"] for file in day["files"]] == [FIRST, SECOND]
    assert day["file"]["file_id"] == SECOND
    assert len(day["strips"]) == 16
    text = told.ask("calibrate", "show", "--file", str(SECOND))
    assert "neighbours 1 before and 1 after" in text
    assert all(f"P{plane} S{strip}" in text for plane in range(1, 5) for strip in range(1, 5))


def test_compare_finds_the_same_constants_in_files_of_one_station(told: Told) -> None:
    files = told.json("calibrate", "compare", str(SECOND), "mi0125062000000")
    neighbours = told.json("calibrate", "compare", str(SECOND))
    for answer, n_neighbours in ((files, {None}), (neighbours, {1, 2})):
        assert len(answer["rows"]) == 5 * 16
        compared = [row for row in answer["rows"] if row["difference_ns"] is not None]
        assert len(compared) > 60
        assert max(abs(row["difference_ns"]) for row in compared) < 0.3
        assert {row["n_neighbours"] for row in compared} <= n_neighbours


def test_drift_is_the_table_and_a_figure(told: Told, tmp_path: Path) -> None:
    figure = tmp_path / "drift.svg"
    answer = told.json("calibrate", "drift", *DAY[:4], "--station", "1", "--figure", str(figure))
    assert len(answer["days"]) == 5 * 16
    assert {row["n_files"] for row in answer["days"]} == {2}
    assert figure.read_text().startswith("<svg")


def test_inspect_sums_up_a_file(told: Told) -> None:
    answer = told.json("inspect", "--file", str(FIRST), "--first", "4")
    assert len(answer["events"]) == 4
    n_events = answer["file"]["n_events"]
    labels = {name: sum(row[name] for row in answer["labels"]) for name in ("raw_tt", "clean_tt", "list_tt", "fit_tt")}
    assert set(labels.values()) == {answer["quality"]["n_coincidence"]}
    assert 0 < labels["raw_tt"] <= n_events
    assert "First events" in told.ask("inspect", "--file", str(FIRST))


def test_inspect_shows_an_event_from_its_raw_values_to_its_track(told: Told) -> None:
    (event,) = rows(told.home, f"select min(event_number) from fct_track where file_id = {FIRST} and fit_tt = 1234")[0]
    answer = told.json("inspect", "--file", str(FIRST), "--event", str(event))
    assert answer["event"]["fit_tt"] == 1234
    accepted = {strip["plane"] for strip in answer["strips"] if strip["is_accepted"]}
    assert accepted == {1, 2, 3, 4}
    for plane in answer["planes"]:
        fitted = answer["event"]["x0_mm"] + answer["event"]["x_slope"] * plane["z_mm"]
        assert plane["x_mm"] - fitted == pytest.approx(plane["residual_x_mm"], abs=1e-3)
    figure = Path(answer["figure"])
    assert figure == told.home.data_dir / "report" / "inspect" / f"mi0{FIRST}_event_{event}.png"
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_inspect_names_why_values_were_rejected(told: Told) -> None:
    sql = "select file_id, event_number, plane, strip from int_hit where reject_mask & 16 != 0 order by all limit 1"
    (file_id, event, plane, strip) = rows(told.home, sql)[0]
    answer = told.json(
        "inspect", "--file", str(file_id), "--event", str(event), "--figure", str(told.home.data_dir / "e.svg")
    )
    (found,) = (row for row in answer["strips"] if (row["plane"], row["strip"]) == (plane, strip))
    assert "pair_broken" in found["rejected"]


def test_an_unknown_file_or_event_is_answered_with_the_nearest(told: Told) -> None:
    unknown = told.ask("calibrate", "show", "--file", str(LATER + 1), code=1)
    assert f"nearest are {LATER} (mi0{LATER})" in unknown
    missing = told.ask("inspect", "--file", str(FIRST), "--event", "9999999", code=1)
    assert "has no event 9999999; nearest are" in missing


def test_while_a_run_writes_the_answer_is_to_wait(told: Told) -> None:
    with held(told.home.data_dir / "locks" / "build.lock", "transform"):
        said = told.ask("inspect", "--file", str(FIRST), "--json", code=75, MINGO_TRANSFORM__WAIT_S="0")
    assert "held by 'transform'" in json.loads(said)["sentence"]
