"""Landing to lake: provenance, statuses, idempotence, what is rebuilt and what is left alone."""

import gzip
import hashlib
import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from extract.daq import extract as extract_module
from extract.daq.schema import DATASETS, RAW_FILE
from tests.unit.daq.home import Home, counts, text
from tests.unit.daq.rows import GOLDEN_NAME, ROW_A, at, golden_file, lines
from warehouse.lake import SCHEMA_FILE


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
        home.land("mi0125161140327.dat.part", b"part"),
    ]
    (home.landing / "dat" / "station=1" / "_rejected" / "bad_name").mkdir(parents=True)
    (home.landing / "dat" / "station=1" / "_rejected" / "bad_name" / GOLDEN_NAME).write_bytes(golden_file())
    station = home.run().stations[0]
    assert (station.n_bad_name, station.n_wrong_station) == (1, 1)
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


def test_parallel_equals_serial(tmp_path: Path) -> None:
    serial, parallel = Home(tmp_path / "serial"), Home(tmp_path / "parallel")
    for index in range(4):
        serial.land(f"mi012516114000{index}.dat", text(50, seed=index))
    serial.land(GOLDEN_NAME, golden_file())
    shutil.copytree(serial.landing, parallel.landing)
    assert counts(serial.run()) == counts(parallel.run(workers=2)) == (5, 0)
    assert serial.rows() == parallel.rows()


def test_no_landing(home: Home) -> None:
    assert home.run().stations == []
