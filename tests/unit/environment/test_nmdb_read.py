"""Every form of an NMDB answer: the golden sample and its disguises, faults line by line, and any bytes at all."""

import gzip
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.environment_file import Outcome
from extract.nmdb.header import Request
from extract.nmdb.read import read_nmdb

HEADER = """\
#        STATION: MXCO
#     START TIME: 2025-02-07 10:00:00 UTC
#       END TIME: 2025-02-07 10:30:00 UTC
#     NMDB TABLE: revised original
#      DATA TYPE: corr_for_efficiency(RCORR_E)
#      AVERAGING: Yes / 10 min
#
"""
DATA = """\
                       MXCO    CALM    LMKS    OULU    SOPO
2025-02-07 10:00:00;218.114; 69.907;1402.350;   null;271.008
2025-02-07 10:10:00;217.960; 70.021;1401.988; 99.102;   null
2025-02-07 10:20:00;218.301;   null;1402.611; 99.340;270.815
"""
SAMPLE = HEADER + DATA
EXCHANGED = """\
                       OULU    LMKS    CALM    SOPO    MXCO
2025-02-07 10:00:00;   null;1402.350; 69.907;271.008;218.114
2025-02-07 10:10:00; 99.102;1401.988; 70.021;   null;217.960
2025-02-07 10:20:00; 99.340;1402.611;   null;270.815;218.301
"""
ONE = """\
#        STATION: OULU
#      DATA TYPE: corr_for_efficiency(RCORR_E)
  start_date_time   RCORR_E
2025-02-07 10:00:00; 98.871
"""
CODES = ("MXCO", "CALM", "LMKS", "OULU", "SOPO")
REQUEST = Request(stations=CODES, dtype="corr_for_efficiency", resolution_s=600, nm_table="revori")
FETCHED_AT = datetime(2025, 2, 8)


def read(
    text: str | bytes, request: Request = REQUEST, fetched_at: datetime = FETCHED_AT, product: str = "rate"
) -> Outcome:
    content = text.encode() if isinstance(text, str) else text
    return read_nmdb(content, request, product=product, fetched_at=fetched_at)


def rows_of(outcome: Outcome) -> list[dict[str, Any]]:
    return outcome.tables[0][1].to_pylist()


def values_of(outcome: Outcome) -> dict[tuple[str, datetime], tuple[float | None, int]]:
    return {(row["nm_code"], row["interval_start"]): (row["rate_hz"], row["resolution_s"]) for row in rows_of(outcome)}


GOLDEN = values_of(read(SAMPLE))


def test_golden_sample() -> None:
    outcome = read(SAMPLE)
    rows = rows_of(outcome)
    assert len(rows) == 15
    assert sum(row["rate_hz"] is not None for row in rows) == 12
    assert GOLDEN["LMKS", datetime(2025, 2, 7, 10)] == (1402.350, 600)
    assert GOLDEN["OULU", datetime(2025, 2, 7, 10)] == (None, 600)
    first_line = sorted((row for row in rows if row["line_number"] == 9), key=lambda row: CODES.index(row["nm_code"]))
    assert [row["rate_hz"] for row in first_line] == [218.114, 69.907, 1402.350, None, 271.008]
    assert {(r["dtype"], r["value_type"], r["nm_table"], r["product"], r["is_partial"]) for r in rows} == {
        ("corr_for_efficiency", "RCORR_E", "revori", "rate", False)
    }
    assert (outcome.status, outcome.detail, outcome.rejects) == ("ok", None, [])
    assert (outcome.counts.n_lines, outcome.counts.n_header, outcome.counts.n_ok) == (11, 8, 3)
    assert outcome.terms_text == HEADER.rstrip("\n").replace("\n#\n", "\n#")


@pytest.mark.parametrize(
    "text",
    [
        HEADER + EXCHANGED,
        DATA,
        "# terms of use\n" * 40 + DATA,
        HEADER + HEADER.replace("MXCO", "OULU") + DATA,
        HEADER + DATA.replace("\n2025-02-07 10:20", "\n#\n# more\n2025-02-07 10:20"),
        f"<!DOCTYPE html>\n<html><body><pre><code>{SAMPLE}</code></pre>\n<p>tail; of the page</p></body></html>\n",
        f"<html><PRE class='x'>\n{SAMPLE.replace('null', '&#110;ull')}",
        SAMPLE.replace("\n", "\r\n"),
        "\ufeff" + SAMPLE,
        SAMPLE.rstrip("\n"),
        SAMPLE.replace("   null", "       "),
        HEADER + DATA[: DATA.index("2025-02-07 10:20")] + EXCHANGED.splitlines()[0] + "\n" + EXCHANGED.splitlines()[3],
        gzip.compress(SAMPLE.encode()),
    ],
    ids=[
        "columns exchanged",
        "no header",
        "40 header lines",
        "second header",
        "header between data",
        "page",
        "open pre",
        "CRLF",
        "byte-order mark",
        "no last line end",
        "empty for null",
        "columns exchanged half-way",
        "gzip",
    ],
)
def test_same_table_in_every_form(text: str | bytes) -> None:
    outcome = read(text)
    assert values_of(outcome) == GOLDEN
    assert outcome.rejects == []
    outcome.counts.check_balance()


def test_line_numbers_inside_a_page() -> None:
    outcome = read(f"<html>\n<pre><code>{SAMPLE}</code></pre></html>\n")
    assert sorted({row["line_number"] for row in rows_of(outcome)}) == [10, 11, 12]
    assert outcome.counts.n_lines == 13


def test_one_station() -> None:
    outcome = read(ONE, Request(resolution_s=600))
    (row,) = rows_of(outcome)
    assert (row["nm_code"], row["rate_hz"], row["resolution_s"], row["value_type"]) == ("OULU", 98.871, 600, "RCORR_E")


def test_one_station_without_header_is_the_one_asked_for() -> None:
    text = ONE.split("RCORR_E)\n")[1]
    request = Request(stations=("OULU",), resolution_s=600)
    assert [row["nm_code"] for row in rows_of(read(text, request))] == ["OULU"]
    assert [r.reason for r in read(text, Request(dtype="corr_for_efficiency", resolution_s=600)).rejects] == [
        "no_columns"
    ]


def test_data_before_any_column_line() -> None:
    text = "2025-02-07 10:00:00; 98.871\n"
    one = Request(stations=("OULU",), dtype="corr_for_efficiency", resolution_s=600)
    assert [row["nm_code"] for row in rows_of(read(text, one))] == ["OULU"]
    assert [r.reason for r in read(text).rejects] == ["no_columns"]
    assert [r.reason for r in read("2025-02-07 10:00:00; 98.871; 1\n", one).rejects] == ["no_columns"]


@pytest.mark.parametrize(
    ("minute", "partial"), [(25, {20}), (30, set()), (9, {0, 10, 20})], ids=["10:25", "10:30", "10:09"]
)
def test_partial_intervals(minute: int, partial: set[int]) -> None:
    rows = rows_of(read(SAMPLE, fetched_at=datetime(2025, 2, 7, 10, minute)))
    assert {row["interval_start"].minute for row in rows if row["is_partial"]} == partial
    if minute == 25:
        kept = [row for row in rows if not row["is_partial"]]
        assert (len(kept), sum(row["rate_hz"] is not None for row in kept)) == (10, 8)


@pytest.mark.parametrize(
    ("averaging", "original", "request_s", "expected_s"),
    [
        ("Yes / 10 min", "", None, 600),
        ("Yes / 1 hour", "1 min", None, 3600),
        ("Yes / 2 hours", "60 min", 600, 7200),
        ("No", "1 min", None, 60),
        ("", "1 min", 60, 600),
        ("", "", None, 600),
    ],
)
def test_resolution(averaging: str, original: str, request_s: int | None, expected_s: int) -> None:
    text = SAMPLE.replace("AVERAGING: Yes / 10 min", f"AVERAGING: {averaging}\n#  ORIGINAL RES: {original}")
    rows = rows_of(read(text, Request(resolution_s=request_s)))
    assert {row["resolution_s"] for row in rows} == {expected_s}


def test_no_resolution_at_all() -> None:
    assert read(ONE, Request()).rejects[0].reason == "no_resolution"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<html><body>down for repair</body></html>", "html_page"),
        ("<!DOCTYPE html>\n<p>Sorry</p>", "html_page"),
        ("", "empty_body"),
        (" \r\n\n", "empty_body"),
        ("<html><pre>\n</pre></html>", "empty_body"),
        ("\nSorry, no data available for the given time", "no_data"),
        ("<html><pre>\nSorry, no data available\n</pre></html>", "no_data"),
        (SAMPLE.replace("RCORR_E", "RCORR_P"), "wrong_type"),
        (SAMPLE.replace("corr_for_efficiency(RCORR_E)", "uncorrected(RUNCORR)"), "wrong_type"),
        (ONE.replace("time   RCORR_E", "time   RPRESS "), "wrong_type"),
        (b"\x1f\x8b\x08\x00 and no more", "not_readable"),
        (gzip.compress(SAMPLE.encode())[:-20], "not_readable"),
    ],
)
def test_no_answer(text: str | bytes, reason: str) -> None:
    outcome = read(text)
    assert (outcome.status, [r.reason for r in outcome.rejects]) == ("rejected", [reason])
    assert outcome.tables == []


def test_type_must_be_known_from_somewhere() -> None:
    assert read(DATA, Request(resolution_s=600)).rejects[0].reason == "wrong_type"


@pytest.mark.parametrize(
    ("word", "dtype", "column"),
    [
        ("1HCOR_E", "corr_for_efficiency", "rate_hz"),
        ("RUNCORR", "uncorrected", "rate_hz"),
        ("1HUNCOR", "uncorrected", "rate_hz"),
        ("RPRESS", "pressure_mbar", "pressure_hpa"),
        ("1HPRESS", "pressure_mbar", "pressure_hpa"),
    ],
)
def test_types(word: str, dtype: str, column: str) -> None:
    text = f"# STATION: OULU\n  start_date_time   {word}\n2025-02-07 10:00:00;998.871\n"
    (row,) = rows_of(read(text, Request(dtype=dtype, resolution_s=3600), product="baro"))
    assert (row["dtype"], row["value_type"], row[column]) == (dtype, word, 998.871)
    assert row["rate_hz" if column == "pressure_hpa" else "pressure_hpa"] is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2025-02-07 10:30:00;218.3", "width_mismatch"),
        ("2025-02-07 10:30:00;218.3;1;2;3;4;5", "width_mismatch"),
        ("2025-02-07 10:30:00;218.3;1;2;three;4", "bad_number"),
        ("2025-02-07 10:30:00;218.3;1;2;nan;4", "bad_number"),
        ("2025-02-30 10:30:00;218.3;1;2;3;4", "bad_time"),
        ("2025-02-07 10:30;218.3;1;2;3;4", "unknown_line"),
        ("nothing of the kind!", "unknown_line"),
        ("OULU OULU", "unknown_line"),
        ("start_date_time", "unknown_line"),
    ],
)
def test_rejected_lines(line: str, reason: str) -> None:
    outcome = read(SAMPLE + line + "\n")
    assert [(r.reason, r.line_number, r.line_text) for r in outcome.rejects] == [(reason, 12, line)]
    assert values_of(outcome) == GOLDEN
    assert outcome.counts.n_rejects == 1


@pytest.mark.parametrize(
    ("dtype", "value", "is_good"),
    [
        ("uncorrected", 0.0, False),
        ("uncorrected", -1.0, False),
        ("uncorrected", 10000.0, True),
        ("uncorrected", 10000.1, False),
        ("pressure_mbar", 499.9, False),
        ("pressure_mbar", 500.0, True),
        ("pressure_mbar", 1100.0, True),
        ("pressure_mbar", 1100.1, False),
    ],
)
def test_range(dtype: str, value: float, is_good: bool) -> None:
    text = f"OULU\n2025-02-07 10:00:00;{value}\n"
    outcome = read(text, Request(dtype=dtype, resolution_s=3600), product="baro")
    (row,) = rows_of(outcome)
    column = "pressure_hpa" if dtype == "pressure_mbar" else "rate_hz"
    assert row[column] == (value if is_good else None)
    assert [(r.reason, r.line_text) for r in outcome.rejects] == ([] if is_good else [("out_of_range", str(value))])
    assert (outcome.counts.n_ok, outcome.counts.n_rejects) == (1, 0), "the line itself was used"


def test_codes_and_request_disagree() -> None:
    outcome = read(SAMPLE, Request(("MXCO", "CALM", "LMKS", "OULU", "KIEL2"), "corr_for_efficiency", 600))
    assert len(rows_of(outcome)) == 15
    assert outcome.detail == "not asked for: SOPO; asked for, not in the answer: KIEL2"


def test_request_of_a_query() -> None:
    request = Request.from_parameters(
        {"stations[]": ["OULU", "MXCO"], "tabchoice": "revori", "dtype": "uncorrected", "tresolution": 60}
    )
    assert request == Request(("OULU", "MXCO"), "uncorrected", 3600, "revori")
    assert Request.from_parameters({}, dtype="uncorrected") == Request(dtype="uncorrected")
    assert Request.from_parameters({"stations": "OULU", "tresolution": "x"}) == Request(("OULU",))


LINES = st.one_of(
    st.sampled_from(SAMPLE.splitlines() + ONE.splitlines() + EXCHANGED.splitlines()),
    st.text(max_size=40).map(lambda text: text.replace("\n", " ")),
    st.sampled_from(["", "<pre>", "</pre>", "# DATA TYPE: uncorrected", "OULU", "start_date_time RUNCORR"]),
)


@given(st.lists(LINES, max_size=15), st.booleans(), st.sampled_from([REQUEST, Request()]))
def test_any_lines_are_counted_once_and_never_raise(lines: list[str], is_ended: bool, request_: Request) -> None:
    content = ("\n".join(lines) + ("\n" if is_ended else "")).encode()
    outcome = read(content, request_)
    if outcome.status == "rejected":
        assert len(outcome.rejects) == 1
        return
    counts = outcome.counts
    assert counts.n_lines == content.count(b"\n") + (not content.endswith(b"\n"))
    assert counts.n_lines == counts.n_blank + counts.n_header + counts.n_ok + counts.n_rejects
    assert min(vars(counts).values()) >= 0
    for row in rows_of(outcome):
        assert row["rate_hz"] is None or 0 < row["rate_hz"] <= 10000


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b", b"\xef\xbb\xbf", b"<pre>"]))
def test_any_bytes_never_raise(tail: bytes, head: bytes) -> None:
    assert read(head + tail).status in ("ok", "rejected")
