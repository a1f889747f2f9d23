"""The golden file and the golden rows, number by number, by both paths."""

import hashlib
from datetime import datetime

import numpy as np
import pytest

from extract.daq.parser import parse_bytes
from extract.daq.reading import RawResult
from extract.daq.schema import RAW_TT, TEXT_REJECT_REASONS
from tests.unit.daq.rows import GOLDEN_SHA256, ROW_A, ROW_B, golden_file, lines, name_of


@pytest.fixture(scope="module", params=[True, False], ids=["bulk", "careful"])
def golden(request: pytest.FixtureRequest) -> RawResult:
    return parse_bytes(golden_file(), name_of(), use_bulk=request.param)


def test_golden_file_is_the_golden_file() -> None:
    content = golden_file()
    assert len(content) == 15_845
    assert hashlib.sha256(content).hexdigest() == GOLDEN_SHA256


def test_counters(golden: RawResult) -> None:
    counters = golden.counters
    assert golden.status == "ok_with_rejects"
    assert golden.param_hash == "0" * 64
    assert (counters.n_lines, counters.n_events, counters.n_rejects, counters.n_comments) == (19, 9, 9, 1)
    assert (counters.n_fragments, counters.n_recovered, counters.n_hits) == (1, 3, 33)
    assert (counters.n_type_1, counters.n_type_2, counters.n_type_other) == (7, 1, 1)
    assert (counters.n_duplicate, counters.n_time_backwards, counters.max_backward_s, counters.n_time_far) == (
        1,
        1,
        1,
        0,
    )
    assert (counters.n_no_trailing, counters.n_no_leading) == (0, 0)
    reasons = {reason: getattr(counters, f"n_reject_{reason}") for reason in TEXT_REJECT_REASONS}
    assert reasons == dict.fromkeys(TEXT_REJECT_REASONS, 1) | {"bad_date": 2, "x_joined": 0}


def test_topologies(golden: RawResult) -> None:
    by_type_1 = dict(zip(RAW_TT, golden.counters.n_by_raw_tt_type_1, strict=True))
    by_type_2 = dict(zip(RAW_TT, golden.counters.n_by_raw_tt_type_2, strict=True))
    assert {tt: n for tt, n in by_type_1.items() if n} == {123: 7}
    assert {tt: n for tt, n in by_type_2.items() if n} == {4: 1}


def test_nonzero_columns(golden: RawResult) -> None:
    counts = {column: n for column, n in enumerate(golden.counters.n_nonzero_by_channel, start=7) if n}
    eight = (23, 24, 27, 28, 32, 35, 36, 41, 45, 49, 53, 57, 61, 65, 69)
    assert counts == dict.fromkeys(eight, 8) | {7: 1, 15: 1}


def test_events(golden: RawResult) -> None:
    events = golden.events.to_pydict()
    assert events["event_number"] == [2, 3, 4, 11, 12, 13, 15, 18, 19]
    assert [time.second for time in events["event_time"]] == [27, 28, 27, 31, 32, 34, 35, 36, 37]
    assert events["trigger_type"] == [1, 2, 1, 1, 1, 1, 3, 1, 1]
    assert events["raw_tt"] == [123, 4, 123, 123, 123, 123, 123, 123, 123]
    assert events["n_hits"] == [4, 1, 4, 4, 4, 4, 4, 4, 4]
    assert events["recovery"] == [None, None, None, "glued_negative", "x_prefix", "x_joined", None, None, None]
    assert events["is_duplicate"] == [False, False, True] + [False] * 6
    assert events["is_time_backwards"] == [False, False, True] + [False] * 6
    assert set(events["file_id"]) == {125161140327}
    assert golden.first_event_time == datetime(2025, 6, 10, 14, 3, 27)
    assert golden.last_event_time == datetime(2025, 6, 10, 14, 3, 37)


def test_rejects(golden: RawResult) -> None:
    rejects = golden.rejects.to_pylist()
    assert [(r["line_number"], r["fragment_number"], r["reason"], r["detail"]) for r in rejects] == [
        (5, 0, "blank", None),
        (6, 0, "truncated", "40 tokens"),
        (7, 0, "extra_columns", "72 tokens"),
        (8, 0, "malformed_number", "49 0095.6610.19"),
        (9, 0, "bad_date", "2025 13 10 14 03 30"),
        (10, 0, "bad_date", "2025 02 30 14 03 30"),
        (13, 1, "x_joined", "truncated"),
        (14, 0, "non_finite", "70 nan"),
        (16, 0, "non_text", "byte 100 0xff"),
        (17, 0, "over_long_line", "5000 bytes"),
    ]
    assert [r["is_fragment"] for r in rejects].index(True) == 6
    assert "\\xff" in rejects[8]["line_text"]
    assert (rejects[9]["n_bytes"], rejects[9]["n_tokens"], len(rejects[9]["line_text"])) == (5000, 1, 1024)


@pytest.mark.parametrize("use_bulk", [True, False])
def test_golden_rows(use_bulk: bool) -> None:
    result = parse_bytes(lines([ROW_A, ROW_B]), name_of(), use_bulk=use_bulk)
    columns = ("event_number", "plane", "strip", "t_front_ns", "t_back_ns", "q_front_ns", "q_back_ns")
    hits = [tuple(row[column] for column in columns) for row in result.hits.to_pylist()]
    expected = [
        (1, 1, 3, -121.0387, -119.5102, 97.2046, 101.0009),
        (1, 2, 3, -120.7725, -118.9004, 95.6610, 94.0312),
        (1, 3, 1, -118.2200, -115.7003, None, 88.0150),
        (1, 3, 2, -117.3056, -116.0480, 110.4071, 112.9950),
        (2, 4, 1, -5.1, None, 91.0507, None),
    ]
    nearest = [tuple(float(np.float32(v)) if isinstance(v, float) else v for v in row) for row in expected]
    assert hits == nearest
    assert result.events["raw_tt"].to_pylist() == [123, 4]
