"""Logs from landing to the lake: versions, copies, idempotence, and faults that stay where they are."""

from datetime import date, datetime
from pathlib import Path

import pytest

from extract.lab import extract as lab_extract
from extract.lab.extract import extract_lab
from extract.lab.schema import LAB_ENV, LAB_FLOW, LAB_WEIGHT
from extract.provenance import ENV_FILE, ENV_REJECT
from tests.unit.environment.landing_files import FETCHED_AT, put, read_lake
from tests.unit.environment.test_lab_line import BUS0
from warehouse.lake import list_files, read_footer

NAME = "Flow0_2025-02-07.log"
LINES = [f"2025-02-07 10:{i:02d}:05 {700 + i} 786 812 743\n".encode() for i in range(5)]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def flow(landing: Path, lines: list[bytes], folder: str = "top", name: str = NAME, station: int = 1) -> Path:
    return put(landing / "lab_log" / f"station={station}" / folder / "2025-02" / name, b"".join(lines))


def snapshot(lake: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in lake.rglob("*.parquet")}


def test_rows_rejects_and_mark(landing: Path, lake: Path) -> None:
    put(landing / "lab_log/station=2/done/2025-02/sensors_bus0_2025-02-07.log", BUS0)
    summary = extract_lab(landing, lake)
    counts = summary.of(2, "env_ext")
    assert (counts.n_files_done, counts.n_rows, counts.n_rejects) == (1, 7, 1)
    rows = read_lake(lake, LAB_ENV)
    assert len(rows) == 7
    assert {(r["station_id"], r["file_date"], r["remote_folder"], r["file_size_bytes"]) for r in rows} == {
        (2, date(2025, 2, 7), "done", len(BUS0))
    }
    (mark,) = read_lake(lake, ENV_FILE)
    assert (mark["n_lines"], mark["n_ok"], mark["n_short"], mark["n_rejects"], mark["status"]) == (8, 5, 2, 1, "ok")
    assert (mark["kind"], mark["file_date_from"], mark["remote_folder"]) == ("env_ext", date(2025, 2, 7), "done")
    assert (mark["fetched_at"], mark["is_fetched_at_guessed"]) == (FETCHED_AT, False)
    (reject,) = read_lake(lake, ENV_REJECT)
    assert (reject["reason"], reject["line_number"], reject["line_text"]) == (
        "short_row",
        8,
        "2025-02-07T11:30:03; nan nan 21.2",
    )
    for dataset in (LAB_ENV, ENV_FILE, ENV_REJECT):
        (path,) = list_files(lake, dataset)
        assert path.parent.name == "date=2025-02-07"
        assert path.parent.parent.name == "station=2"
        assert path.name == f"sensors_bus0_2025-02-07.log-{mark['file_sha256'][:12]}-p1.parquet"
        assert read_footer(path)["file_sha256"] == mark["file_sha256"]


def test_second_run_does_nothing(landing: Path, lake: Path) -> None:
    flow(landing, LINES[:3])
    flow(landing, LINES, name=f"{NAME}~2")
    extract_lab(landing, lake)
    before = snapshot(lake)
    summary = extract_lab(landing, lake)
    assert snapshot(lake) == before
    assert (summary.total.n_files_done, summary.total.n_files_skipped) == (0, 2)


@pytest.mark.parametrize("is_one_run", [True, False])
def test_prefix_is_superseded(landing: Path, lake: Path, is_one_run: bool) -> None:
    flow(landing, LINES[:3])
    if not is_one_run:
        extract_lab(landing, lake)
        assert [row["status"] for row in read_lake(lake, ENV_FILE)] == ["ok"]
    flow(landing, LINES, name=f"{NAME}~2")
    extract_lab(landing, lake)
    status = {row["source_file"].rpartition("/")[2]: row["status"] for row in read_lake(lake, ENV_FILE)}
    assert status == {NAME: "superseded", f"{NAME}~2": "ok"}
    rows = read_lake(lake, LAB_FLOW)
    assert len({row["read_at"] for row in rows}) == 5
    assert len(rows) == (5 if is_one_run else 8), "rows that were written stay"
    for row in read_lake(lake, ENV_FILE):
        assert row["n_lines"] == row["n_ok"]


def test_growing_file_replaces_itself_without_end(landing: Path, lake: Path) -> None:
    for number, n_lines in enumerate(range(1, 6), start=1):
        flow(landing, LINES[:n_lines], name=NAME if number == 1 else f"{NAME}~{number}")
        extract_lab(landing, lake)
    status = [row["status"] for row in read_lake(lake, ENV_FILE)]
    assert sorted(status) == ["ok"] + ["superseded"] * 4
    assert len({row["read_at"] for row in read_lake(lake, LAB_FLOW)}) == 5


def test_differing_versions_both_stay(landing: Path, lake: Path) -> None:
    flow(landing, LINES)
    flow(landing, [*LINES[:3], LINES[3].replace(b"743", b"999")], folder="done")
    extract_lab(landing, lake)
    assert {row["status"] for row in read_lake(lake, ENV_FILE)} == {"ok"}
    assert sorted((row["remote_folder"]) for row in read_lake(lake, LAB_FLOW)) == ["done"] * 4 + ["top"] * 5


@pytest.mark.parametrize("is_one_run", [True, False])
def test_copy_in_done_takes_the_place_of_its_equal(landing: Path, lake: Path, is_one_run: bool) -> None:
    content = [*LINES[:2], LINES[2].rstrip()]
    flow(landing, content)
    if not is_one_run:
        extract_lab(landing, lake)
        assert len(read_lake(lake, LAB_FLOW)) == 2
    flow(landing, content, folder="done")
    extract_lab(landing, lake)
    assert len(read_lake(lake, LAB_FLOW)) == 3
    (mark,) = read_lake(lake, ENV_FILE)
    assert (mark["remote_folder"], mark["n_pending_tail"]) == ("done", 0)
    before = snapshot(lake)
    extract_lab(landing, lake)
    assert snapshot(lake) == before


def test_single_weight_file_goes_by_month(landing: Path, lake: Path) -> None:
    content = b"2024-11-01 09:00:00 9.1\n2024-11-20 09:00:00 8.9\n2025-02-07 09:41:12 8.350\n"
    put(landing / "lab_log/station=1/top/2025-02/clean_gas_weight_measurements.log", content)
    extract_lab(landing, lake)
    folders = [path.parent.name for path in list_files(lake, LAB_WEIGHT)]
    assert folders == ["date=2024-11-01", "date=2025-02-01"]
    assert [row["file_date"].day for row in read_lake(lake, LAB_WEIGHT)] == [1, 20, 7]


def test_empty_file_and_other_names(landing: Path, lake: Path) -> None:
    flow(landing, [])
    put(landing / "lab_log/station=1/top/2025-02/notes.txt", b"hello")
    (landing / "lab_log/station=1/top/2025-02/hv0_2025-02-07.log.part").write_bytes(b"x")
    summary = extract_lab(landing, lake)
    assert summary.total.n_files_done == 1
    assert [row["status"] for row in read_lake(lake, ENV_FILE)] == ["empty_file"]
    assert read_lake(lake, LAB_FLOW) == []


def test_lost_sidecar(landing: Path, lake: Path) -> None:
    put(landing / f"lab_log/station=1/done/2025-02/{NAME}", b"".join(LINES), fetched_at=None)
    extract_lab(landing, lake)
    (mark,) = read_lake(lake, ENV_FILE)
    assert mark["is_fetched_at_guessed"]
    assert abs((mark["fetched_at"] - datetime.now()).days) <= 1


def test_new_parser_version_replaces_the_lake_files(landing: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow(landing, [*LINES, b"bad\n"])
    extract_lab(landing, lake)
    monkeypatch.setattr(lab_extract, "PARSER_VERSION", 2)
    summary = extract_lab(landing, lake)
    assert summary.total.n_files_done == 1
    for dataset in (LAB_FLOW, ENV_FILE, ENV_REJECT):
        (path,) = list_files(lake, dataset)
        assert path.name.endswith("-p2.parquet")
    assert {row["parser_version"] for row in read_lake(lake, LAB_FLOW)} == {2}


def test_interrupted_extraction_is_repeated(landing: Path, lake: Path) -> None:
    flow(landing, LINES)
    extract_lab(landing, lake)
    (mark,) = list_files(lake, ENV_FILE)
    mark.unlink()
    (data,) = list_files(lake, LAB_FLOW)
    data.write_bytes(b"torn")
    assert extract_lab(landing, lake).total.n_files_done == 1
    assert len(read_lake(lake, LAB_FLOW)) == 5


def test_orphans_of_another_version_are_removed(landing: Path, lake: Path) -> None:
    path = flow(landing, LINES)
    extract_lab(landing, lake)
    (data,) = list_files(lake, LAB_FLOW)
    orphan = lake / "lab_flow/station=1/date=2025-02-06" / data.name.replace("-p1.", "-p0.")
    other_station = lake / "lab_flow/station=2/date=2025-02-06" / orphan.name
    for copy in (orphan, other_station):
        copy.parent.mkdir(parents=True)
        copy.write_bytes(data.read_bytes())
    (mark,) = list_files(lake, ENV_FILE)
    mark.unlink()
    extract_lab(landing, lake)
    assert not orphan.exists()
    assert other_station.exists()
    assert path.exists()


def test_one_bad_file_stops_nothing(landing: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow(landing, LINES)
    flow(landing, LINES, station=2)
    read_log = lab_extract.read_log

    def failing(content: bytes, *args: object) -> object:
        if calls.append(1) or len(calls) == 1:
            raise OSError("disk gone")
        return read_log(content, *args)  # type: ignore[arg-type]

    calls: list[int] = []
    monkeypatch.setattr(lab_extract, "read_log", failing)
    seen: list[tuple[int, int, str]] = []
    summary = extract_lab(landing, lake, on_progress=lambda *step: seen.append(step))
    assert [failure.source_file for failure in summary.failures] == [f"lab_log/station=1/top/2025-02/{NAME}"]
    assert (summary.total.n_files_done, summary.total.n_files_failed) == (1, 1)
    assert seen == [(1, 2, NAME), (2, 2, NAME)]
    assert extract_lab(landing, lake).total.n_files_done == 1, "the next run tries again"


def test_stations_are_chosen(landing: Path, lake: Path) -> None:
    flow(landing, LINES)
    flow(landing, LINES, station=2)
    summary = extract_lab(landing, lake, stations=[2])
    assert list(summary.counts) == [(2, "flow")]


def test_nothing_to_read(landing: Path, lake: Path) -> None:
    summary = extract_lab(landing, lake)
    assert summary.counts == {}
