"""Every source file is in exactly one state, told from what lies there; records of attempts change only quarantine."""

import os
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.daq.landing import list_files
from extract.daq.name import parse_name
from extract.daq.workers import subject_of
from extract.lab.extract import extract_lab
from extract.states.detector import Tables
from extract.states.state import FileState
from extract.states.survey import Known, records_of, survey
from extract.transfer.sftp.schema import REMOTE_FILE
from extract.transfer.sidecar import is_landing_name
from tests.unit.daq.home import Home, text
from tests.unit.daq.rows import GOLDEN_NAME, golden_file
from tests.unit.environment.landing_files import put
from warehouse.attempts import Attempts, list_records
from warehouse.lake import write_table
from warehouse.look.files import HeldFile

BASE = GOLDEN_NAME.removesuffix(".dat")
FILE_ID = 125161140327


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty data folder."""
    return Home(tmp_path)


def states(home: Home, known: Known | None = None, *, with_reasons: bool = False) -> dict[str, FileState]:
    seen = survey(home.landing, home.lake, known or Known(), with_reasons=with_reasons)
    return {file.name: file for file in seen.files}


def state(home: Home, known: Known | None = None) -> str:
    return states(home, known)[BASE].state


def held(home: Home, *, sha256: str = "", is_old: bool = False) -> dict[int, HeldFile]:
    return {FILE_ID: HeldFile(sha256 or home.current()["content_sha256"], "ok", "0" * 16, is_old)}


def list_remote(home: Home, outcomes: dict[str, str], day: date = date(2025, 6, 12)) -> None:
    rows = [_listed(name, outcome) for name, outcome in sorted(outcomes.items())]
    table = pa.Table.from_pylist(rows, REMOTE_FILE.schema)
    write_table(home.lake, REMOTE_FILE, table, station_id=1, day=day, name="dat.parquet", provenance={})


def _listed(name: str, outcome: str) -> dict[str, Any]:
    parsed = parse_name(name)
    return {
        "station_id": 1,
        "source": "dat",
        "file_name": name,
        "file_size_bytes": 7,
        "file_id": parsed.file_id,
        "base_name": parsed.base_name,
        "start_time": parsed.start_time,
        "outcome": outcome,
        "is_implausible": False,
        "host": "test",
        "directory": "data",
        "listed_at": datetime(2025, 6, 12),
    }


def test_way_of_a_file(home: Home) -> None:
    list_remote(home, {GOLDEN_NAME: "failed", "mi0225161140327.dat": "wrong_station"})
    list_remote(home, {"mi0125161000000.dat": "waiting"}, date(2025, 6, 11))
    assert [(name, file.state, file.reason) for name, file in states(home).items()] == [(BASE, "remote", "failed")]
    home.land(GOLDEN_NAME, golden_file())
    assert state(home) == "acquired"
    home.run()
    assert state(home) == "extracted"
    assert state(home, Known(Tables(held(home), {}))) == "transformed"
    assert state(home, Known(Tables(held(home), held(home)))) == "published"
    assert state(home, Known(Tables(held(home, is_old=True), held(home)))) == "stale"
    assert state(home, Known(Tables(held(home, sha256="f" * 64), {}))) == "stale"
    assert states(home, Known(Tables(None, {})))[BASE].is_transformed is None


def test_newer_version_is_acquired_until_it_is_read(home: Home) -> None:
    home.land(GOLDEN_NAME, golden_file(), age_s=100)
    home.run()
    published = Known(Tables(held(home), held(home)))
    home.land(f"{GOLDEN_NAME}~2", golden_file() + b"x\n")
    assert state(home, published) == "acquired"
    home.run()
    assert state(home, published) == "stale"
    assert len(states(home)[BASE].sources) == 2


def test_landing_may_be_cleaned(home: Home) -> None:
    path = home.land(GOLDEN_NAME, golden_file())
    empty = home.land("mi0125161150000.dat", b"")
    home.run()
    path.unlink()
    empty.unlink()
    seen = states(home)
    assert (seen[BASE].state, seen["mi0125161150000"].state) == ("extracted", "rejected")
    list_remote(home, {GOLDEN_NAME: "skipped", "mi0125161160000.dat": "too_fresh"})
    assert states(home)[BASE].is_remote
    assert states(home)["mi0125161160000"].state == "remote"


def test_copied_lake_is_told_from_its_rows(home: Home) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.run()
    for path in (home.lake / "raw_file").rglob("mi*.parquet"):
        os.utime(path, (1, 1))
    assert state(home) == "extracted"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty_file"), (b"nothing of use\n", "no_events"), (b"\x00\x01\x02" * 1000, "binary_file")],
)
def test_rejected_with_reason(home: Home, content: bytes, reason: str) -> None:
    home.land(GOLDEN_NAME, content)
    home.run()
    file = states(home, with_reasons=True)[BASE]
    assert (file.state, file.reason) == ("rejected", reason)


@pytest.mark.parametrize("dataset", ["raw_event", "raw_hit", "raw_file"])
def test_lost_lake_file(home: Home, dataset: str) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.run()
    for path in (home.lake / dataset).rglob("mi*.parquet"):
        path.unlink()
    assert state(home) == ("inconsistent" if dataset == "raw_file" else "acquired")
    home.run()
    assert state(home) == "extracted"


def test_pieces_of_two_contents_and_older_parsers(home: Home) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.run()
    (event,) = (home.lake / "raw_event").rglob("mi*.parquet")
    other = event.with_name(f"{BASE}-{'0' * 12}-p1.parquet")
    other.write_bytes(event.read_bytes())
    assert state(home) == "inconsistent"
    other.unlink()
    for path in list(home.lake.rglob("mi*-p1.parquet")):
        path.rename(path.with_name(path.name.replace("-p1.", "-p0.")))
    assert state(home) == "stale"


def test_names_that_keep_files_out(home: Home) -> None:
    home.land("mi0225161140327.dat", text(3))
    home.land("mi01garbage.dat", text(3))
    refused = home.landing / "dat" / "_rejected" / "bad_name" / "x\x1b[2J.dat"
    refused.parent.mkdir(parents=True)
    refused.write_bytes(b"")
    found = {name: (file.state, file.reason) for name, file in states(home).items()}
    assert found == {
        "mi0225161140327.dat": ("rejected", "wrong_station"),
        "mi01garbage.dat": ("rejected", "bad_name"),
        "x\x1b[2J.dat": ("rejected", "bad_name"),
    }


def test_lab_logs(home: Home) -> None:
    put(home.landing / "lab_log" / "station=1" / "top" / "2025-06" / "hv0_2025-06-10.log", b"")
    assert states(home)["hv0_2025-06-10.log"].state == "acquired"
    extract_lab(home.landing, home.lake)
    file = states(home)["hv0_2025-06-10.log"]
    assert (file.state, file.reason, file.kind) == ("rejected", "empty_file", "log")


NAMES = st.sampled_from(
    [
        f"{base}{ending}{version}"
        for base in (BASE, "mi0125161150000", "mi0225161140327", "minI25161160000", "mi01", "readme")
        for ending in (".dat", ".dat.tar.gz", ".hld", ".dat.meta.json", ".dat.part")
        for version in ("", "~2")
    ]
)
DATASETS = ["raw_file", "raw_event", "raw_hit", "raw_reject"]
LAKE_NAMES = st.sampled_from(
    [
        f"{base}-{sha12}-p{version}.parquet"
        for base in (BASE, "mi0125161150000", "mi0125161170000")
        for sha12 in ("0" * 12, "e3b0c44298fc")
        for version in (0, 1)
    ]
)


@given(
    landed=st.dictionaries(st.tuples(st.sampled_from(["dat", "hld"]), NAMES), st.binary(max_size=3), max_size=8),
    lake=st.sets(
        st.tuples(st.sampled_from(["raw_file", "raw_event", "raw_hit", "raw_reject"]), LAKE_NAMES), max_size=8
    ),
    failing=st.sets(st.sampled_from([BASE, "mi0125161150000"])),
)
@settings(max_examples=60)
def test_conservation(
    tmp_path_factory: pytest.TempPathFactory,
    landed: dict[tuple[str, str], bytes],
    lake: set[tuple[str, str]],
    failing: set[str],
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    home = Home(folder)
    for (kind, name), content in landed.items():
        path = home.landing / kind / "station=1" / "2025-06" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for dataset, name in lake:
        path = home.lake / dataset / "station=1" / "date=2025-06-10" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    attempts = Attempts(folder / "attempts", "extract", "code")
    for name, files in list_files(home.landing, 1).groups.items() if home.landing.is_dir() else ():
        for _ in range(3 if name in failing else 0):
            attempts.begin(subject_of(files))
    seen = survey(
        home.landing, home.lake, Known(records=records_of(list_records(folder / "attempts")), code_version="code")
    ).files
    placed = sorted(source for file in seen for source in file.sources)
    expected = sorted(f"{kind}/station=1/2025-06/{name}" for kind, name in landed if is_landing_name(name))
    assert placed == expected
    assert len({(file.station_id, file.name, file.sources) for file in seen}) == len(seen)
    without = survey(home.landing, home.lake, Known()).files
    assert len(without) == len(seen)
    for before, after in zip(seen, without, strict=True):
        if before.state == "quarantined":
            assert after.state in ("acquired", "stale", "inconsistent")
            assert before.name in failing
        else:
            assert replace(before, reason="") == replace(after, reason="")
