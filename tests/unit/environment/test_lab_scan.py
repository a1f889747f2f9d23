"""The record of a voltage scan: every line is counted, and what a person wrote is kept or refused with a reason."""

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.lab.extract import extract_lab
from extract.lab.name import parse_log_name
from extract.lab.scan import REQUIRED, read_scan
from extract.lab.schema import LAB_HV_SCAN
from extract.provenance import ENV_FILE, ENV_REJECT
from tests.unit.environment.landing_files import put, read_lake
from warehouse.lake import list_files

NAME = "hv_scan_2025-06-10T100000.csv"
DAY = date(2025, 6, 10)
HEAD = "scan_id,station_code,step,hv_set_kv,started_at,settled_at,ended_at,comment"
STEP = "a,MINGO01,1,5.20,2025-06-10T10:00:00,2025-06-10T10:05:00,2025-06-10T11:00:00,first"


def read(*lines: str, code: str = "MINGO01") -> tuple[list[dict[str, object]], list[str]]:
    outcome = read_scan("\n".join(lines).encode(), DAY, code)
    rows = outcome.tables[0][1].to_pylist() if outcome.tables else []
    return rows, [reject.reason for reject in outcome.rejects]


def test_name() -> None:
    name = parse_log_name(f"{NAME}~2")
    assert name is not None
    assert (name.base_name, name.kind, name.file_date) == (NAME, "hv_scan", DAY)
    for bad in (
        "hv_scan.csv",
        "hv_scan_2025-06-31T100000.csv",
        "hv_scan_2025-06-10T10:00:00.csv",
        "hv_scan_2025-06-10.log",
    ):
        assert parse_log_name(bad) is None


def test_a_step() -> None:
    (row,), rejects = read(HEAD, STEP)
    assert rejects == []
    assert (row["scan_id"], row["step"], row["hv_set_kv"], row["comment"]) == ("a", 1, 5.2, "first")
    assert [row[name] for name in ("read_at", "started_at", "settled_at", "ended_at")] == [
        datetime(2025, 6, 10, *clock) for clock in ((10, 0), (10, 0), (10, 5), (11, 0))
    ]


def test_columns_by_name_other_zones_decimal_comma_and_no_comment() -> None:
    (row,), rejects = read(
        "\ufeffstep , station_code,scan_id,hv_set_kv,ended_at,settled_at,started_at,operator",
        '3,MINGO01,b,"5,35",,2025-06-10 12:05Z,2025-06-10T14:00:00+02:00,me',
    )
    assert rejects == []
    assert (row["step"], row["hv_set_kv"], row["ended_at"], row["comment"]) == (3, 5.35, None, None)
    assert (row["started_at"], row["settled_at"]) == (datetime(2025, 6, 10, 12), datetime(2025, 6, 10, 12, 5))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (",first", "", "column_count"),
        (",first", ',"first', "bad_quotes"),
        (",first", ",\x1b[2J", "binary"),
        (",first", "," + "x" * 5000, "too_long"),
        ("a,", ",", "bad_scan_id"),
        ("MINGO01", "MINGO02", "wrong_station"),
        (",1,", ",one,", "bad_number"),
        ("5.20", "high", "bad_number"),
        ("5.20", "nan", "bad_number"),
        ("2025-06-10T10:00:00", "", "not_started"),
        ("2025-06-10T10:00:00", "10:00", "bad_time"),
        ("2025-06-10T11:00:00", "2025-06-31T11:00:00", "bad_time"),
        ("2025-06-10T11:00:00", "1999-06-10T11:00:00", "bad_time"),
    ],
)
def test_what_is_no_step(old: str, new: str, reason: str) -> None:
    assert old in STEP
    rows, rejects = read(HEAD, STEP.replace(old, new, 1), STEP)
    assert (len(rows), rejects) == (1, [reason])


def test_a_table_without_its_columns_is_refused() -> None:
    outcome = read_scan(STEP.encode(), DAY, "MINGO01")
    assert (outcome.status, outcome.n_rows) == ("rejected", 0)
    assert outcome.detail is not None
    assert outcome.detail.startswith("missing_column: the header lacks scan_id")
    assert read_scan(b"", DAY, "MINGO01").status == "empty_file"
    assert read_scan(b"\n\n", DAY, "MINGO01").status == "rejected"


cells = st.sampled_from(["", "a", "MINGO01", "1", "5.2", "2025-06-10T10:00:00", "2025-06-10T10:00:00Z", '"', "\0", "é"])


@given(st.lists(st.lists(cells, min_size=6, max_size=9), max_size=5), st.permutations(REQUIRED))
def test_every_line_is_counted_once(table: list[list[str]], names: list[str]) -> None:
    text = "\n".join([",".join(names), *(",".join(row) for row in table)])
    outcome = read_scan(text.encode(), DAY, "MINGO01")
    counts = outcome.counts
    assert counts.n_header == 1
    assert counts.n_ok == outcome.n_rows
    assert counts.n_rejects == len(outcome.rejects)
    counts.check_balance()


def test_from_landing_to_the_lake(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    content = "\n".join([HEAD, STEP, STEP.replace("MINGO01", "MINGO03")]).encode()
    put(landing / "lab_log" / "station=1" / "top" / "2025-06" / NAME, content)
    assert extract_lab(landing, lake).failures == []
    (row,) = read_lake(lake, LAB_HV_SCAN)
    assert (row["station_id"], row["step"], row["line_number"], row["file_date"]) == (1, 1, 2, DAY)
    assert [path.parent.name for path in list_files(lake, LAB_HV_SCAN)] == ["date=2025-06-10"]
    (mark,) = read_lake(lake, ENV_FILE)
    assert (mark["kind"], mark["n_lines"], mark["n_header"], mark["n_ok"], mark["n_rejects"]) == ("hv_scan", 3, 1, 1, 1)
    (reject,) = read_lake(lake, ENV_REJECT)
    assert (reject["reason"], reject["line_number"]) == ("wrong_station", 3)
