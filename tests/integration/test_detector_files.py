"""Which files a run works on: each content once, and again when anything that decides its processing changes."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from extract.daq.logbook import extract_logbook
from extract.daq.schema import RAW_EVENT, RAW_FILE, RAW_HIT, lake_file_name
from tests.integration.dbt_project import run_dbt
from warehouse.dataset import Dataset
from warehouse.lake import partition_folder, write_table

BASE = ["--select", "+int_file_todo", "+stg_raw_hit", "fct_file"]
KEPT, REPLACED, GONE, REFUSED, EMPTY, SWAPPED = 1, 2, 3, 4, 5, 6
NAMES = {
    KEPT: "mi0125010000000",
    REPLACED: "mi0125011000000",
    GONE: "mi0125012000000",
    REFUSED: "mi0325010000000",
    EMPTY: "mi0125013000000",
    SWAPPED: "mi0225010000000",
}


def file_id(file: int) -> int:
    return int(NAMES[file][3:])


@dataclass
class Lake:
    """A lake written by hand: a few events a file, no text parsed."""

    data_dir: Path
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def path(self, dataset: Dataset, file: int, content: str) -> Path:
        station, day = int(NAMES[file][3]), datetime.strptime(NAMES[file][4:9], "%y%j").date()
        folder = partition_folder(self.data_dir / "lake", dataset, station, day)
        return folder / lake_file_name(NAMES[file], content * 64)

    def write(self, file: int, content: str, *, modified: int = 1, n_events: int = 2, **changed: Any) -> None:
        start = datetime.strptime(NAMES[file][4:], "%y%j%H%M%S")
        facts = {
            "file_id": file_id(file),
            "station_id": int(NAMES[file][3]),
            "base_name": NAMES[file],
            "source_kind": "dat",
            "start_time": start,
            "remote_modified_at": datetime(2025, 6, modified),
            "content_sha256": content * 64,
            "parser_version": 1,
            "status": "ok" if n_events else "no_events",
            "is_current": True,
            "n_events": n_events,
            "n_lines": n_events,
            "n_type_1": n_events,
            "n_by_raw_tt_type_1": [n_events] + [0] * 15,
            "first_event_time": start,
            "last_event_time": start,
        }
        self._table(RAW_FILE, file, content, [facts | changed])
        if n_events:
            key = {"file_id": file_id(file), "trigger_type": 1, "station_id": facts["station_id"], "event_time": start}
            events = [key | {"event_number": n + 1} for n in range(n_events)]
            hits = [
                key | {"event_number": 1, "plane": 4, "strip": strip, "q_front_ns": 90.0 + strip} for strip in (2, 3, 4)
            ]
            self._table(RAW_EVENT, file, content, events)
            self._table(RAW_HIT, file, content, hits)

    def _table(self, dataset: Dataset, file: int, content: str, rows: list[dict[str, Any]]) -> None:
        empty = {pa.string(): "", pa.bool_(): False, pa.list_(pa.int32()): [], pa.timestamp("us"): datetime(2025, 1, 1)}
        full = [
            {c.name: row.get(c.name, None if c.is_nullable else empty.get(c.type, 0)) for c in dataset.columns}
            for row in rows
        ]
        path = self.path(dataset, file, content)
        write_table(
            self.data_dir / "lake",
            dataset,
            pa.Table.from_pylist(full, schema=dataset.schema),
            station_id=int(NAMES[file][3]),
            day=datetime.strptime(NAMES[file][4:9], "%y%j").date(),
            name=path.name,
            provenance={},
        )

    def remove(self, file: int, content: str, *datasets: Dataset) -> None:
        for dataset in datasets:
            self.path(dataset, file, content).unlink()

    def run(self, step: str) -> None:
        """Let dbt work and keep what it saw."""
        run_dbt(self.data_dir, "run", *BASE)
        with duckdb.connect(str(self.data_dir / "build.duckdb"), read_only=True) as connection:
            for table in ("int_file_todo", "fct_file", "dim_file"):
                rows = connection.execute(f"from {table} order by file_id").pl().to_dicts()
                self.seen[f"{step} {table}"] = rows

    def todo(self, step: str) -> dict[int, bool]:
        """File to whether it is gone."""
        return {row["file_id"]: row["is_gone"] for row in self.seen[f"{step} int_file_todo"]}

    def rows(self, step: str, table: str) -> dict[int, dict[str, Any]]:
        return {row["file_id"]: row for row in self.seen[f"{step} {table}"]}


LOGBOOK = """g,,,,,,,,,,,,
station,conf,start,end,P1,P2,P3,P4,C1,C2,C3,C4,phi_north
{rows}
"""


def write_logbook(data_dir: Path, station: int, name: str, *rows: str) -> None:
    folder = data_dir / "landing" / "logbook" / f"station={station}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text(LOGBOOK.format(rows="\n".join(rows)))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The same lake through a first run, an idle one, and two after changes of every kind."""
    lake = Lake(tmp_path_factory.mktemp("files"))
    run_dbt(lake.data_dir, "seed", "--quiet")
    for file in (KEPT, REPLACED, GONE, SWAPPED):
        lake.write(file, "a")
    lake.write(EMPTY, "a", n_events=0)
    lake.write(REFUSED, "a")
    write_logbook(lake.data_dir, 2, "20250601T000000Z", "2,1,2025-01-01,,0,100,200,400,12,23,34,13,0")
    write_logbook(lake.data_dir, 3, "20250601T000000Z", "3,1,2025-01-01,,0,100,100,400,12,23,34,13,0")
    extract_logbook(lake.data_dir / "landing", lake.data_dir / "lake")
    lake.run("first")
    lake.run("idle")
    lake.write(REPLACED, "b", modified=2)
    lake.write(REPLACED, "a", is_current=False)
    lake.remove(REPLACED, "a", RAW_EVENT, RAW_HIT)
    lake.remove(GONE, "a", RAW_FILE, RAW_EVENT, RAW_HIT)
    write_logbook(lake.data_dir, 2, "20250602T000000Z", "2,2,2025-01-01,,0,100,200,400,12,23,34,13,0")
    write_logbook(lake.data_dir, 3, "20250602T000000Z", "3,1,2025-01-01,,0,100,200,400,12,23,34,13,0")
    extract_logbook(lake.data_dir / "landing", lake.data_dir / "lake")
    lake.run("changed")
    lake.write(REPLACED, "a", modified=3)
    lake.write(REPLACED, "b", modified=2, is_current=False)
    lake.remove(REPLACED, "b", RAW_EVENT, RAW_HIT)
    lake.remove(KEPT, "a", RAW_HIT)
    lake.write(KEPT, "c", modified=4)
    lake.remove(KEPT, "c", RAW_HIT)
    lake.run("back")
    return lake


def strips_of_swapped(lake: Lake) -> list[tuple[int, float]]:
    with duckdb.connect(str(lake.data_dir / "build.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select strip, q_front_ns from stg_raw_hit where file_id = ? order by strip", [file_id(SWAPPED)]
        ).fetchall()


def test_first_run_takes_every_file(lake: Lake) -> None:
    assert lake.todo("first") == {file_id(file): False for file in NAMES}
    assert set(lake.rows("first", "fct_file")) == {file_id(file) for file in NAMES}


def test_files_without_usable_events_are_held_and_not_read(lake: Lake) -> None:
    rows = lake.rows("first", "dim_file")
    assert (rows[file_id(EMPTY)]["status"], rows[file_id(EMPTY)]["lake_path"]) == ("no_events", None)
    assert (rows[file_id(REFUSED)]["status"], rows[file_id(REFUSED)]["lake_path"]) == ("bad_geometry", None)
    assert rows[file_id(KEPT)]["lake_path"].endswith(lake_file_name(NAMES[KEPT], "a" * 64))


def test_second_run_has_nothing_to_do(lake: Lake) -> None:
    assert lake.todo("idle") == {}
    assert lake.seen["idle fct_file"] == lake.seen["first fct_file"]


def test_only_what_changed_is_done_again(lake: Lake) -> None:
    assert lake.todo("changed") == {
        file_id(REPLACED): False,
        file_id(GONE): True,
        file_id(REFUSED): False,
        file_id(SWAPPED): False,
    }


def test_a_file_that_left_the_lake_is_forgotten(lake: Lake) -> None:
    assert file_id(GONE) not in lake.rows("changed", "fct_file")
    assert set(lake.todo("back")) == {file_id(REPLACED)}


def test_the_newer_content_replaces_the_older(lake: Lake) -> None:
    steps = ("first", "changed", "back")
    assert [lake.rows(s, "fct_file")[file_id(REPLACED)]["content_sha256"][0] for s in steps] == ["a", "b", "a"]
    for step in steps:
        assert len(lake.rows(step, "dim_file")) == len(lake.seen[f"{step} dim_file"])


def test_a_corrected_logbook_is_followed(lake: Lake) -> None:
    before, after = (lake.rows(step, "dim_file")[file_id(REFUSED)] for step in ("first", "changed"))
    assert (before["status"], after["status"], after["z_plane_3_mm"]) == ("bad_geometry", "ok", 200)
    assert before["lineage_id"] != after["lineage_id"]
    assert lake.rows("changed", "dim_file")[file_id(SWAPPED)]["conf_number"] == 2


def test_a_content_without_its_hits_waits(lake: Lake) -> None:
    assert file_id(KEPT) not in lake.todo("back")
    assert lake.rows("back", "fct_file")[file_id(KEPT)]["content_sha256"][0] == "a"


def test_a_file_is_remembered_only_after_every_table_that_replaces_files(lake: Lake) -> None:
    manifest = json.loads((lake.data_dir / "dbt" / "target" / "manifest.json").read_text())
    nodes = manifest["nodes"]
    replacing = {name for name, node in nodes.items() if node["config"].get("incremental_strategy") == "replace_file"}
    found: set[str] = set()
    waiting = ["model.mingo.fct_file"]
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in found:
            found.add(name)
            waiting += nodes[name]["depends_on"].get("nodes", [])
    assert "model.mingo.int_hit" in replacing
    assert replacing - found == set()


def test_cables_are_exchanged_only_before_configuration_two(lake: Lake) -> None:
    assert strips_of_swapped(lake) == [(2, 92.0), (3, 93.0), (4, 94.0)]
    write_logbook(lake.data_dir, 2, "20250603T000000Z", "2,1,2025-01-01,,0,100,200,400,12,23,34,13,0")
    extract_logbook(lake.data_dir / "landing", lake.data_dir / "lake")
    lake.run("swapped")
    assert strips_of_swapped(lake) == [(2, 92.0), (3, 94.0), (4, 93.0)]
