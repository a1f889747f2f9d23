"""The logbook sheet: names, numbers, rejects, and its way into the lake."""

import hashlib
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.logbook import InvalidLogbookError, extract_logbook, parse_logbook

SHEET = """\
Station,,Dates,,Lead [mm],,,,Plane z [mm],,,,Trigger,,,,Orientation,Site,Notes
station,conf,start,end,over_P1,P1-P2,P2-P3,P3-P4,P1,P2,P3,P4,C1,C2,C3,C4,phi_north,city,comment
1,14,2024-11-01,2025-02-17,0,0,0,0,0,145,290,435,12,23,34,13,"12,5",Madrid,
1,15,2025-02-17,,0,0,0,0,0,150,300,450,12,23,34,13,"12,5",Madrid,invented open row
"""
HEADER = "titles\nstation,conf,start,end,P1,P2,P3,P4\n"
GOOD = "1,1,2024-01-01,,0,1,2,3\n"


def test_example() -> None:
    logbook = parse_logbook(SHEET.encode(), 1)
    assert not logbook.rejects
    assert logbook.rows[0] == {
        "station_id": 1,
        "conf_number": 14.0,
        "valid_from": date(2024, 11, 1),
        "valid_to": date(2025, 2, 17),
        **{f"z_plane_{p}_mm": z for p, z in zip((1, 2, 3, 4), (0.0, 145.0, 290.0, 435.0), strict=True)},
        "lead_over_1_mm": 0.0,
        "lead_12_mm": 0.0,
        "lead_23_mm": 0.0,
        "lead_34_mm": 0.0,
        **{f"trigger_{n}": t for n, t in zip((1, 2, 3, 4), (12, 23, 34, 13), strict=True)},
        "phi_north_deg": 12.5,
        "city": "Madrid",
        "comment": None,
        "row_number": 3,
    }
    assert (logbook.rows[1]["valid_to"], logbook.rows[1]["comment"]) == (None, "invented open row")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",1,2024-01-01,,0,1,2,3", "bad_station"),
        ("10,1,2024-01-01,,0,1,2,3", "bad_station"),
        ("1.5,1,2024-01-01,,0,1,2,3", "bad_station"),
        ("one,1,2024-01-01,,0,1,2,3", "bad_station"),
        ("2,1,2024-01-01,,0,1,2,3", "wrong_station"),
        ("1,,2024-01-01,,0,1,2,3", "bad_conf"),
        ("1,nan,2024-01-01,,0,1,2,3", "bad_conf"),
        ("1,1,01/01/2024,,0,1,2,3", "bad_start"),
        ("1,1,2024-02-30,,0,1,2,3", "bad_start"),
        ("1,1,,,0,1,2,3", "bad_start"),
        ("1,1,2024-01-01,soon,0,1,2,3", "bad_end"),
        ("1,1,2024-01-02,2024-01-01,0,1,2,3", "end_before_start"),
        ("1,1,2024-01-01,,0,1,2", "column_count"),
        ("1,1,2024-01-01,,0,1,2,3,4", "column_count"),
    ],
)
def test_rejected_rows(row: str, reason: str) -> None:
    logbook = parse_logbook(f"{HEADER}{GOOD}{row}\n".encode(), 1)
    assert [(r.row_number, r.reason, r.row_text, r.is_warning) for r in logbook.rejects] == [(4, reason, row, False)]
    assert len(logbook.rows) == 1


@pytest.mark.parametrize(
    ("start", "valid_from"),
    [("2024-01-01", "2024-01-01"), ("2024-01-01 10:00", "2024-01-01"), ("2024-01-01T10:00:00", "2024-01-01")],
)
def test_time_part_is_cut_off(start: str, valid_from: str) -> None:
    row = parse_logbook(f"{HEADER}1,1,{start},{start},0,1,2,3\n".encode(), 1).rows[0]
    assert row["valid_from"] == row["valid_to"] == date.fromisoformat(valid_from)


def test_unreadable_numbers_are_warnings() -> None:
    sheet = "t\nstation,conf,start,end,P1,P2,P3,P4,C1,phi_north\n1,1,2024-01-01,,0,high,2,3,1.5,inf\n"
    logbook = parse_logbook(sheet.encode(), 1)
    row = logbook.rows[0]
    assert (row["z_plane_2_mm"], row["trigger_1"], row["phi_north_deg"], row["lead_12_mm"]) == (None, None, None, None)
    warnings = [(r.reason, r.detail, r.is_warning) for r in logbook.rejects]
    assert warnings == [("bad_number", d, True) for d in ("P2 high", "phi_north inf", "C1 1.5")]


def test_columns_by_name_in_any_order() -> None:
    sheet = '\ufefft\n P4,P3,P2,P1,end,start,conf,station ,extra\n3,2,1,0,,2024-01-01,"2,5", 1 ,x\n,,,,,,,,\n'
    logbook = parse_logbook(sheet.encode(), 1)
    assert logbook.unknown_columns == ["extra"]
    assert logbook.rows[0]["conf_number"] == 2.5
    assert [logbook.rows[0][f"z_plane_{p}_mm"] for p in (1, 2, 3, 4)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "sheet",
    [
        b"",
        b"one row only\n",
        HEADER.encode(),
        b"t\nstation,conf,start,P1,P2,P3,P4\n1,1,2024-01-01,0,1,2,3\n",
        b"t\nstation,station,conf,start,end,P1,P2,P3,P4\n1,1,1,2024-01-01,,0,1,2,3\n",
        f"{HEADER}2,1,2024-01-01,,0,1,2,3\n".encode(),
        b"\xff\xfe" + SHEET.encode("utf-16-le"),
        b"<!DOCTYPE html><html></html>",
    ],
)
def test_invalid_sheets(sheet: bytes) -> None:
    with pytest.raises(InvalidLogbookError):
        parse_logbook(sheet, 1)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: f"{HEADER}{GOOD}{text}".encode())))
def test_any_sheet(sheet: bytes) -> None:
    try:
        logbook = parse_logbook(sheet, 1)
    except InvalidLogbookError:
        return
    assert logbook.rows


def land(data: Path, stamp: str, content: str, station_id: int = 1) -> Path:
    path = data / "landing" / "logbook" / f"station={station_id}" / f"{stamp}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def lake_state(lake: Path) -> dict[str, tuple[str, int]]:
    files = (path for path in lake.rglob("*") if path.is_file())
    return {
        path.relative_to(lake).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in files
    }


def test_way_into_the_lake(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    land(tmp_path, "20250301T060000Z", SHEET)
    newest = land(tmp_path, "20250301T180000Z", SHEET + "1,16,bad,,,,,,,,,,,,,,,,\n")
    land(tmp_path, "20250302T060000Z", SHEET)
    summary = extract_logbook(landing, lake)
    assert (summary.n_done, summary.n_rows, summary.n_rejects, summary.n_warnings) == (2, 4, 1, 0)
    table = pq.ParquetFile(lake / "logbook/station=1/date=2025-03-01/logbook.parquet").read()
    assert set(table["file_sha256"].to_pylist()) == {hashlib.sha256(newest.read_bytes()).hexdigest()}
    assert table["source_file"].to_pylist()[0] == "logbook/station=1/20250301T180000Z.csv"
    assert table["fetched_at"].to_pylist()[0] == datetime(2025, 3, 1, 18)
    rejects = pq.ParquetFile(lake / "logbook_reject/station=1/date=2025-03-01/logbook_reject.parquet").read()
    assert rejects["reason"].to_pylist() == ["bad_start"]
    state = lake_state(lake)
    again = extract_logbook(landing, lake)
    assert (again.n_done, again.n_skipped) == (0, 2)
    assert lake_state(lake) == state


def test_bad_sheet_does_not_replace_a_good_one(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    land(tmp_path, "20250301T060000Z", SHEET)
    land(tmp_path, "20250301T180000Z", "<html>error</html>")
    land(tmp_path, "notes", SHEET)
    summary = extract_logbook(landing, lake)
    assert summary.n_done == 1
    assert {source for source, _ in summary.failures} == {
        "logbook/station=1/20250301T180000Z.csv",
        "logbook/station=1/notes.csv",
    }
    assert pq.ParquetFile(lake / "logbook/station=1/date=2025-03-01/logbook.parquet").read().num_rows == 2


@pytest.mark.parametrize("name", ["logbook", "logbook_reject"])
def test_deleted_lake_file_is_rebuilt(tmp_path: Path, name: str) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    land(tmp_path, "20250301T060000Z", SHEET)
    extract_logbook(landing, lake)
    state = {path: digest for path, (digest, _) in lake_state(lake).items()}
    (lake / name / "station=1" / "date=2025-03-01" / f"{name}.parquet").unlink()
    assert extract_logbook(landing, lake).n_done == 1
    assert {path: digest for path, (digest, _) in lake_state(lake).items()} == state


def test_no_landing(tmp_path: Path) -> None:
    assert extract_logbook(tmp_path / "landing", tmp_path / "lake").n_done == 0
