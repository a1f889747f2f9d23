"""Landing to lake: idempotence, versions, twins, failures, kills."""

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from extract.daq import extract as extract_module
from extract.daq import parser as parser_module
from extract.daq import store as store_module
from extract.daq import versions as versions_module
from extract.daq.extract import DaqSummary, extract_landing
from extract.daq.sample import random_values, write_rows
from extract.daq.schema import DATASETS, RAW_FILE
from tests.unit.daq.rows import GOLDEN_NAME, ROW_A, at, golden_file, lines
from warehouse.lake import SCHEMA_FILE

ROOT = Path(__file__).resolve().parents[3]
CLOCK = {"extracted_at"}


class Home:
    """A data folder with a landing to fill and a lake to look at."""

    def __init__(self, folder: Path) -> None:
        self.landing, self.lake = folder / "landing", folder / "lake"

    def land(self, name: str, content: bytes, *, age_s: float = 0, station_id: int = 1, month: str = "2025-06") -> Path:
        path = self.landing / "dat" / f"station={station_id}" / month / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        moment = 1_749_600_000 - age_s
        os.utime(path, (moment, moment))
        return path

    def run(self, **options: Any) -> DaqSummary:
        return extract_landing(self.landing, self.lake, **options)

    def files(self) -> dict[str, tuple[int, int, int]]:
        """Identity of every file of the lake: a second run must not touch one of them."""
        found = (path for path in self.lake.rglob("*") if path.is_file())
        return {path.relative_to(self.lake).as_posix(): self._identity(path) for path in found}

    def _identity(self, path: Path) -> tuple[int, int, int]:
        stat = path.stat()
        return stat.st_ino, stat.st_size, stat.st_mtime_ns

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of the lake by file, without the time of the extraction."""
        return {
            path.relative_to(self.lake).as_posix(): [
                {name: value for name, value in row.items() if name not in CLOCK}
                for row in pq.ParquetFile(path).read().to_pylist()
            ]
            for path in sorted(self.lake.rglob("*.parquet"))
            if path.name != SCHEMA_FILE
        }

    def raw_files(self) -> list[dict[str, Any]]:
        return [row for name, rows in self.rows().items() if name.startswith("raw_file/") for row in rows]

    def names(self, dataset: str) -> list[str]:
        return [name for name in self.rows() if name.startswith(f"{dataset}/")]

    def current(self) -> dict[str, Any]:
        rows = [row for row in self.raw_files() if row["is_current"]]
        assert len(rows) == 1
        return rows[0]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def counts(summary: DaqSummary) -> tuple[int, int]:
    assert not summary.failures
    return sum(s.n_done for s in summary.stations), sum(s.n_skipped for s in summary.stations)


def text(n_rows: int, seed: int = 1) -> bytes:
    return write_rows(random_values(n_rows, seed), 1_749_564_207 + np.arange(n_rows) // 10)


def tar_gz(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_one_file(home: Home) -> None:
    content = golden_file()
    path = home.land(f"{GOLDEN_NAME}.gz", gzip.compress(content))
    sidecar = {
        "source": "MINGO01",
        "remote_modified_at": "2025-06-10T16:00:00+02:00",
        "fetched_at": "2025-06-10T15:00:00Z",
        "file_sha256": "unused",
    }
    path.with_name(f"{path.name}.meta.json").write_text(json.dumps(sidecar))
    steps: list[tuple[int, int, str]] = []
    summary = home.run(on_progress=lambda done, total, name: steps.append((done, total, name)))
    assert steps == [(1, 1, "mi0125161140327")]
    station = summary.stations[0]
    assert (station.n_done, station.n_lines, station.n_events, station.n_rejects) == (1, 19, 9, 9)
    assert (station.n_comments, station.n_hits, station.n_by_status) == (1, 33, {"ok_with_rejects": 1})
    row = home.current()
    sha256 = hashlib.sha256(content).hexdigest()
    assert {name: row[name] for name in ("file_name", "source_file", "source_kind", "container", "version_number")} == {
        "file_name": f"{GOLDEN_NAME}.gz",
        "source_file": f"dat/station=1/2025-06/{GOLDEN_NAME}.gz",
        "source_kind": "dat",
        "container": "gz",
        "version_number": 1,
    }
    assert (row["content_sha256"], row["content_size_bytes"]) == (sha256, len(content))
    assert row["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert row["file_size_bytes"] == path.stat().st_size
    assert row["start_time"] == datetime(2025, 6, 10, 14, 3, 27)
    assert row["remote_modified_at"] == datetime(2025, 6, 10, 14)
    assert row["fetched_at"] == datetime(2025, 6, 10, 15)
    assert all(row[column.name] is None for column in RAW_FILE.columns if "hld" in column.name and column.is_nullable)
    for dataset in ("raw_hit", "raw_event", "raw_reject", "raw_file"):
        name = f"{dataset}/station=1/date=2025-06-10/mi0125161140327-{sha256[:12]}-p1.parquet"
        assert home.names(dataset) == [name]
        footer = pq.read_metadata(home.lake / name).metadata
        assert footer[b"content_sha256"].decode() == sha256
        assert footer[b"parser_version"] == b"1"
    for declared in DATASETS:
        schema = pq.read_schema(home.lake / declared.name / "station=0" / "date=1970-01-01" / SCHEMA_FILE)
        assert schema.remove_metadata().equals(declared.schema)


@pytest.mark.parametrize("verify", [False, True])
def test_second_run_writes_nothing(home: Home, verify: bool) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0125161150000.dat", text(200))
    home.land("mi0125161160000.dat", b"")
    home.land("mi0125161170000.dat", b"nothing\n")
    home.land("mi0125161180000.dat.gz", gzip.compress(text(10))[:-3])
    assert counts(home.run()) == (5, 0)
    before = home.files()
    assert counts(home.run(verify=verify)) == (0, 5)
    assert home.files() == before


def test_second_run_opens_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0125161150000.dat", text(20))
    home.run()
    monkeypatch.setattr(extract_module, "settle_group", lambda *_, **__: pytest.fail("a file was looked into"))
    assert counts(home.run()) == (0, 2)


def test_status_of_each_file(home: Home) -> None:
    home.land("mi0125161010000.dat", b"")
    home.land("mi0125161020000.dat", b"\0" * 50)
    home.land("mi0125161030000.dat", b"nothing\n")
    home.land("mi0125161040000.dat.gz", gzip.compress(ROW_A)[:-3])
    home.land("mi0125161050000.dat", lines([ROW_A]))
    home.run()
    assert {row["base_name"][9:11]: row["status"] for row in home.raw_files()} == {
        "01": "empty_file",
        "02": "binary_file",
        "03": "no_events",
        "04": "bad_container",
        "05": "ok",
    }
    assert len(home.names("raw_event")) == len(home.names("raw_hit")) == len(home.names("raw_reject")) == 1


def test_what_is_not_extracted(home: Home) -> None:
    kept = [
        home.land("merged-250101.txt", b"text"),
        home.land("mi0225161140327.dat", golden_file()),
        home.land("mi0125161140327.hld", b"hld"),
        home.land("mi0125161140327.dat.part", b"part"),
        home.land("mi0125161150000.tar.gz", tar_gz("mi0125161150000.hld", b"hld")),
    ]
    (home.landing / "dat" / "station=1" / "_rejected" / "bad_name").mkdir(parents=True)
    (home.landing / "dat" / "station=1" / "_rejected" / "bad_name" / GOLDEN_NAME).write_bytes(golden_file())
    station = home.run().stations[0]
    assert (station.n_bad_name, station.n_wrong_station, station.n_waiting_hld) == (1, 1, 2)
    assert (station.n_done, home.raw_files()) == (0, [])
    assert all(path.exists() for path in kept)


def test_stations_asked_for(home: Home) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0225161140327.dat", golden_file(), station_id=2)
    assert [station.station_id for station in home.run(stations=[2, 3]).stations] == [2]
    assert [station.station_id for station in home.run().stations] == [1, 2]
    assert {row["station_id"] for row in home.raw_files()} == {1, 2}


@pytest.mark.parametrize("dataset", ["raw_event", "raw_hit", "raw_reject", "raw_file"])
def test_deleted_lake_file_is_rebuilt(home: Home, dataset: str) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0125161150000.dat", text(20))
    home.run()
    rows, files = home.rows(), home.files()
    lost = next(name for name in home.names(dataset) if "140327" in name)
    (home.lake / lost).unlink()
    assert counts(home.run()) == (1, 1)
    assert home.rows() == rows
    other = {name: identity for name, identity in files.items() if "150000" in name}
    assert {name: identity for name, identity in home.files().items() if "150000" in name} == other


def test_copied_lake_is_believed(home: Home) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.run()
    rows = home.rows()
    for path in home.lake.rglob("*.parquet"):
        os.utime(path, (1, 1))
    assert counts(home.run()) == (0, 1)
    files = home.files()
    assert counts(home.run()) == (0, 1)
    assert (home.files(), home.rows()) == (files, rows)


def test_same_content_under_a_new_time_is_recognised(home: Home) -> None:
    path = home.land(GOLDEN_NAME, golden_file())
    home.run()
    before = {name: rows for name, rows in home.rows().items() if not name.startswith("raw_file/")}
    files = home.files()
    os.utime(path, (1_749_700_000, 1_749_700_000))
    assert counts(home.run()) == (1, 0)
    assert {name: rows for name, rows in home.rows().items() if not name.startswith("raw_file/")} == before
    assert {n for n in files if home.files()[n] != files[n]} == set(home.names("raw_file"))
    assert home.current()["remote_modified_at"] == datetime.fromisoformat("2025-06-12T03:46:40")


def test_verify_finds_a_changed_content(home: Home) -> None:
    path = home.land(GOLDEN_NAME, lines([at(1)]))
    home.run()
    stat = path.stat()
    path.write_bytes(lines([at(2)]))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert counts(home.run()) == (0, 1)
    assert counts(home.run(verify=True)) == (1, 0)
    assert home.current()["content_sha256"] == hashlib.sha256(lines([at(2)])).hexdigest()


class TestVersions:
    """Two contents under one name."""

    old, new, cut = lines([at(27), at(28)]), lines([at(27), at(29)]), lines([at(27)])

    def land_all(self, home: Home, order: list[int]) -> list[int]:
        """Land the old content and the new one in some order, with a run after each; returns files done."""
        landings = [
            lambda: home.land(GOLDEN_NAME, self.old, age_s=100),
            lambda: home.land(f"{GOLDEN_NAME}~2", self.new, age_s=50),
            lambda: home.land(f"{STEM}.dat.tar.gz", tar_gz(GOLDEN_NAME, self.new), age_s=10),
        ]
        done = []
        for index in order:
            landings[index]()
            done.append(counts(home.run())[0])
        return done

    def test_newer_content_replaces_the_rows(self, home: Home) -> None:
        self.land_all(home, [0, 1])
        rows = {row["content_sha256"]: row for row in home.raw_files()}
        assert {sha: row["is_current"] for sha, row in rows.items()} == {
            hashlib.sha256(self.old).hexdigest(): False,
            hashlib.sha256(self.new).hexdigest(): True,
        }
        assert home.current()["version_number"] == 2
        for dataset in ("raw_event", "raw_hit"):
            assert [hashlib.sha256(self.new).hexdigest()[:12] in name for name in home.names(dataset)] == [True]
        files = home.files()
        assert counts(home.run()) == (0, 1)
        assert home.files() == files

    @pytest.mark.parametrize("order", [[1, 0, 2], [2, 1, 0], [0, 2, 1], [2, 0, 1]])
    def test_order_of_arrival_does_not_matter(self, home: Home, tmp_path: Path, order: list[int]) -> None:
        self.land_all(home, order)
        rebuilt = Home(tmp_path / "rebuilt")
        shutil.copytree(home.landing, rebuilt.landing)
        rebuilt.run()
        assert home.rows() == rebuilt.rows()
        assert home.current()["container"] == "tar_gz"
        files = home.files()
        assert counts(home.run()) == (0, 1)
        assert home.files() == files

    @pytest.mark.parametrize("copy", ["cut", "empty"])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_cut_copy_never_becomes_current(self, home: Home, copy: str, is_first: bool) -> None:
        content = self.cut if copy == "cut" else b""
        landings = [
            lambda: home.land(f"{GOLDEN_NAME}~2", content, age_s=5),
            lambda: home.land(GOLDEN_NAME, self.old, age_s=100),
        ]
        for land in landings if is_first else reversed(landings):
            land()
            home.run()
        assert home.current()["content_sha256"] == hashlib.sha256(self.old).hexdigest()
        assert len(home.raw_files()) == 2
        assert len(home.names("raw_event")) == 1
        files = home.files()
        assert counts(home.run()) == (0, 1)
        assert home.files() == files

    def test_cut_packed_copy_never_becomes_current(self, home: Home) -> None:
        home.land(GOLDEN_NAME, self.old, age_s=100)
        home.run()
        home.land(f"{GOLDEN_NAME}.gz", gzip.compress(self.old)[:-4])
        home.run()
        assert home.current()["status"] == "ok"
        assert sorted(row["status"] for row in home.raw_files()) == ["bad_container", "ok"]

    def test_longer_content_replaces_its_beginning(self, home: Home) -> None:
        home.land(GOLDEN_NAME, self.cut, age_s=100)
        home.run()
        home.land(f"{GOLDEN_NAME}~2", self.old)
        home.run()
        assert home.current()["content_sha256"] == hashlib.sha256(self.old).hexdigest()

    def test_equal_times_higher_version(self, home: Home) -> None:
        home.land(f"{GOLDEN_NAME}~2", self.new)
        home.land(f"{GOLDEN_NAME}~10", self.old)
        home.run()
        assert home.current()["version_number"] == 10

    def test_content_that_comes_back(self, home: Home) -> None:
        home.land(GOLDEN_NAME, self.old, age_s=100)
        home.land(f"{GOLDEN_NAME}~2", self.new, age_s=50)
        home.run()
        home.land(f"{GOLDEN_NAME}~3", self.old, age_s=10)
        home.run()
        assert (home.current()["version_number"], len(home.raw_files())) == (3, 2)
        assert len(home.names("raw_event")) == 1

    def test_pruned_landing_keeps_the_row(self, home: Home) -> None:
        path = home.land(GOLDEN_NAME, self.old, age_s=100)
        home.run()
        path.unlink()
        assert counts(home.run()) == (0, 0)
        home.land(f"{GOLDEN_NAME}~2", self.new)
        home.run()
        assert len(home.raw_files()) == 2
        assert home.current()["version_number"] == 2

    def test_file_overwritten_in_place(self, home: Home) -> None:
        home.land(GOLDEN_NAME, self.old, age_s=100)
        home.run()
        home.land(GOLDEN_NAME, self.new, age_s=50)
        home.run()
        assert home.current()["content_sha256"] == hashlib.sha256(self.new).hexdigest()
        assert counts(home.run()) == (0, 1)


STEM = GOLDEN_NAME.removesuffix(".dat")


def test_new_parser_version(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0125161150000.dat", TestVersions.old, age_s=100)
    home.land("mi0125161150000.dat~2", TestVersions.new)
    home.run()
    for module in (extract_module, versions_module):
        monkeypatch.setattr(module, "PARSER_VERSION", 2)
    monkeypatch.setattr(versions_module, "lake_file_name", lambda base, sha: f"{base}-{sha[:12]}-p2.parquet")
    assert counts(home.run()) == (2, 0)
    assert {row["parser_version"] for row in home.raw_files()} == {2}
    assert all("-p2" in name for name in home.rows())
    assert counts(home.run()) == (0, 2)


class TestTwins:
    """One content under two names."""

    content = lines([at(28), at(30)])
    near, far = "mi0125161140327.dat", "mi0125161140326.dat"

    def check(self, home: Home) -> None:
        rows = {row["file_name"]: row for row in home.raw_files()}
        assert (rows[self.near]["status"], rows[self.near]["duplicate_of_file_id"]) == ("ok", None)
        assert rows[self.far]["status"] == "duplicate_content"
        assert rows[self.far]["duplicate_of_file_id"] == 125161140327
        assert (rows[self.far]["n_lines"], rows[self.far]["n_events"]) == (0, 0)
        assert rows[self.far]["is_current"]
        assert [self.near[:15] in name for name in home.names("raw_event")] == [True]
        files = home.files()
        assert counts(home.run()) == (0, 2)
        assert home.files() == files

    def test_together(self, home: Home) -> None:
        home.land(self.near, self.content)
        home.land(self.far, self.content)
        station = home.run().stations[0]
        assert (station.n_events, station.n_by_status) == (2, {"ok": 1, "duplicate_content": 1})
        self.check(home)

    @pytest.mark.parametrize("order", [(near, far), (far, near)])
    def test_one_after_the_other(self, home: Home, order: tuple[str, str]) -> None:
        for name in order:
            home.land(name, self.content)
            home.run()
        self.check(home)

    def test_in_parallel(self, home: Home) -> None:
        home.land(self.near, self.content)
        home.land(self.far, self.content)
        home.run(workers=2)
        self.check(home)

    def test_ties_to_the_smaller_id(self, home: Home) -> None:
        for name in ("mi0125161140329.dat", self.near):
            home.land(name, self.content)
        home.run()
        assert {row["file_name"]: row["status"] for row in home.raw_files()} == {
            self.near: "ok",
            "mi0125161140329.dat": "duplicate_content",
        }

    def test_empty_files_are_no_twins(self, home: Home) -> None:
        home.land(self.near, b"")
        home.land(self.far, b"")
        home.run()
        assert {row["status"] for row in home.raw_files()} == {"empty_file"}

    def test_twin_gets_its_events_back(self, home: Home) -> None:
        home.land(self.near, self.content, age_s=100)
        home.land(self.far, self.content)
        home.run()
        home.land(f"{self.near}~2", lines([at(28), at(31)]))
        home.run()
        rows = {row["file_name"]: row["status"] for row in home.raw_files() if row["is_current"]}
        assert rows == {f"{self.near}~2": "ok", self.far: "ok"}
        assert len(home.names("raw_event")) == 2


def test_parallel_equals_serial(tmp_path: Path) -> None:
    serial, parallel = Home(tmp_path / "serial"), Home(tmp_path / "parallel")
    for index in range(4):
        serial.land(f"mi012516114000{index}.dat", text(50, seed=index))
    serial.land(GOLDEN_NAME, golden_file())
    shutil.copytree(serial.landing, parallel.landing)
    assert counts(serial.run()) == counts(parallel.run(workers=2)) == (5, 0)
    assert serial.rows() == parallel.rows()


def test_failing_file_does_not_stop_the_others(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0125161150000.dat", text(20))
    opened = versions_module.open_content

    def failing(path: Path, *rest: Any) -> Any:
        if "150000" in path.name:
            raise OSError(5, "Input/output error", str(path))
        return opened(path, *rest)

    monkeypatch.setattr(versions_module, "open_content", failing)
    summary = home.run()
    assert [(path, "Input/output error" in message) for path, message in summary.failures] == [
        ("dat/station=1/2025-06/mi0125161150000.dat", True)
    ]
    assert (summary.stations[0].n_done, summary.stations[0].n_failed) == (1, 1)
    monkeypatch.undo()
    assert counts(home.run()) == (1, 1)


def test_fault_of_the_program_is_reported(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.land(GOLDEN_NAME, golden_file())
    monkeypatch.setattr(parser_module, "find_duplicates", lambda *_: 1 / 0)
    summary = home.run()
    assert "ZeroDivisionError" in summary.failures[0][1]
    assert home.rows() == {}


def test_broken_sidecar_is_ignored(home: Home) -> None:
    path = home.land(GOLDEN_NAME, golden_file())
    for content in ("{", "[]", '{"remote_modified_at": 3, "fetched_at": "soon"}'):
        path.with_name(f"{path.name}.meta.json").write_text(content)
        shutil.rmtree(home.lake, ignore_errors=True)
        home.run()
        assert home.current()["fetched_at"] is None
        assert home.current()["remote_modified_at"] == datetime(2025, 6, 11)


def test_no_landing(home: Home) -> None:
    assert home.run().stations == []


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("dataset", ["raw_hit", "raw_event", "raw_reject", "raw_file"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_stop_at_every_write(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, when: str
) -> None:
    """The second version replaces the first; the run stops around each write and is run again."""
    first, second = golden_file(), golden_file() + b"\n" + at(40)
    home.land(GOLDEN_NAME, first, age_s=100)
    home.run()
    home.land(f"{GOLDEN_NAME}~2", second)
    expected = Home(tmp_path / "expected")
    shutil.copytree(home.landing, expected.landing)
    expected.run()
    write = store_module.write_table

    def stopping(lake: Path, declared: Any, *args: Any, **options: Any) -> Path:
        is_here = declared.name == dataset
        if is_here and when == "before":
            raise _Killed
        path = write(lake, declared, *args, **options)
        if is_here:
            raise _Killed
        return path

    monkeypatch.setattr(store_module, "write_table", stopping)
    with pytest.raises(_Killed):
        home.run()
    current = [row["content_sha256"] for row in home.raw_files() if row["is_current"]]
    assert hashlib.sha256(first).hexdigest() in current
    monkeypatch.undo()
    home.run()
    assert home.rows() == expected.rows()


KILLED_RUN = """
import sys
from pathlib import Path
from extract.daq.extract import extract_landing
if __name__ == "__main__":
    print("ready", flush=True)
    extract_landing(Path(sys.argv[1]), Path(sys.argv[2]), on_progress=lambda *step: print(*step, flush=True))
"""


def killed_at(home: Home, n_lines: int, delay_s: float) -> None:
    """Start a run in another process and kill it a while after it printed some lines."""
    command = [sys.executable, "-c", KILLED_RUN, str(home.landing), str(home.lake)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout
        for _ in range(n_lines):
            process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)


def test_kill_and_run_again(home: Home, tmp_path: Path) -> None:
    for index in range(6):
        home.land(f"mi012516114000{index}.dat", text(2000, seed=index) + b"rejected\n")
    expected = Home(tmp_path / "expected")
    shutil.copytree(home.landing, expected.landing)
    expected.run()
    chance = random.Random(7)
    for n_lines in (1, 2, 3, 5):
        killed_at(home, n_lines, chance.uniform(0, 0.03))
    home.run()
    assert home.rows() == expected.rows()
    visible = {name for name in home.files() if not Path(name).name.startswith(".")}
    assert visible == set(expected.files())
