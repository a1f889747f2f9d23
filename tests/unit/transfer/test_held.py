"""What is here of the files a server lists, and how little of the lake is opened to know it."""

import logging
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extract.daq.name import parse_name
from extract.daq.schema import RAW_FILE
from extract.transfer.clock import Clock
from extract.transfer.sftp.held import Extracted, find_held
from extract.transfer.sftp.remote import RemoteFile
from extract.transfer.sftp.select import Wanted
from extract.transfer.sftp.session import Session
from extract.transfer.sftp.station import Place, list_and_select
from tests.unit.transfer.fake_remote import NOW, FakeServer, endpoint
from warehouse.lake import partition_folder

BASE = "mi0125170120000"
COLUMNS = ["base_name", "source_kind", "container", "file_size_bytes", "is_current"]


def lake_file(lake: Path, base_name: str, content: bytes | None = None, size: int = 700) -> Path:
    """A `raw_file` row of plain text, of the columns that count here; or anything else under its name."""
    day = parse_name(f"{base_name}.dat").start_time.date()
    path = partition_folder(lake, RAW_FILE, 1, day) / f"{base_name}-dat-0123.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        path.write_bytes(content)
        return path
    schema = pa.schema([RAW_FILE.schema.field(name) for name in COLUMNS])
    row = dict(zip(COLUMNS, (base_name, "dat", "plain", size, True), strict=True))
    pq.write_table(pa.Table.from_pylist([row], schema), path)
    return path


def land(landing: Path, name: str, size: int = 700) -> None:
    path = landing / "dat/station=1/2025-06" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def test_the_lake_tells_what_left_landing(tmp_path: Path) -> None:
    lake_file(tmp_path / "lake", BASE)
    lake_file(tmp_path / "lake", "mi0125170130000")
    held = find_held(tmp_path / "landing", tmp_path / "lake", 1, [parse_name(f"{BASE}.dat.tar.gz")])
    assert held.extracted == {BASE: Extracted("dat", "plain", 700)}


@pytest.mark.parametrize("remote", [f"{BASE}.dat", f"{BASE}.dat.tar.gz"])
def test_what_landing_has_in_any_container_is_not_looked_for_in_the_lake(
    tmp_path: Path, remote: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A station compresses each night what was fetched as plain text; its whole past is not opened every run."""
    land(tmp_path / "landing", f"{BASE}.dat")
    lake_file(tmp_path / "lake", BASE, b"would be complained of if it were opened")
    name = parse_name(remote)
    held = find_held(tmp_path / "landing", tmp_path / "lake", 1, [name])
    assert held.holds(name, "dat", 700)
    assert not held.extracted
    assert not caplog.records


def test_a_damaged_file_of_the_lake_counts_as_missing_and_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = lake_file(tmp_path / "lake", BASE, b"no parquet")
    lake_file(tmp_path / "lake", "mi0125170130000")
    names = [parse_name(f"{base}.dat") for base in (BASE, "mi0125170130000")]
    with caplog.at_level(logging.WARNING):
        held = find_held(tmp_path / "landing", tmp_path / "lake", 1, names)
    assert [held.holds(name, "dat", 700) for name in names] == [False, True]
    assert [str(damaged) in record.getMessage() for record in caplog.records] == [True]


def test_the_lake_is_not_asked_for_what_it_cannot_change(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = Place(tmp_path / "landing", tmp_path / "lake")
    lake_file(place.lake, BASE, b"would be complained of if it were opened")
    lake_file(place.lake, "mi0125171120000")
    server = FakeServer()
    for name in (f"{BASE}.dat", "mi0125171120000.dat"):
        server.put(name, b"x" * 700)
    server.entries["huge.dat"] = RemoteFile("mi0125171130000.dat", 1 << 31, datetime(2025, 6, 20))
    wanted = Wanted(1, "dat", first=datetime(2025, 6, 20).date())
    with Session(endpoint(), server.open) as session:
        choices, listed_at = list_and_select(session, wanted, place, Clock(lambda: NOW))
    assert listed_at == NOW
    assert {choice.file.name: choice.word for choice in choices} == {
        f"{BASE}.dat": "out_of_window",
        "mi0125171120000.dat": "skipped",
        "mi0125171130000.dat": "too_large",
    }
    assert not caplog.records
