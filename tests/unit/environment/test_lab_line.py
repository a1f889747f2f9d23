"""Lines and whole logs: the golden rows, every reject reason, and what holds for any bytes at all."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.lab.line import TOKEN_RULES, LineError, parse_number, read_line
from extract.lab.name import KINDS, parse_log_name
from extract.lab.read import DATASET_OF_KIND, N_HEAD_COLUMNS, read_log, value_columns
from extract.provenance import LINE_NUMBER, PROVENANCE

DAY = date(2025, 2, 7)
FETCHED_AT = datetime(2025, 2, 8)
BUS0 = b"""\
2025-02-07T10:00:03; nan nan nan nan 20.8 41.2 938.4
2025-02-07T10:15:03; nan nan nan nan 20.9 41.0 938.1
2025-02-07T10:15:03; nan nan nan nan 20.9 41.0 938.1
2025-02-07T10:30:03; nan nan nan nan 20.9 nan 937.8
2025-02-07T10:45:04; nan nan nan nan 21.0 40.7
2025-02-07T11:00:03; nan nan nan 21.1 40.6 937.5
2025-02-07T11:15:03; nan nan nan nan 21.1 40.6 9375
2025-02-07T11:30:03; nan nan 21.2
"""
HV = b"""\
2025-02-07T10:00:04 7C 21 0A 5F D3 11 0.112 0.097 5.498 5.501 0.000 1.284 5.500 1.002 5.500 1.000 1 1 0 0 1 1 1
2025-02-07T10:15:04 7C 21 0A 5F D3 11 0.113 0.098 5.498 5.501 0.000 1.284 5.500 1.002 5.500 1.000 1 1 0 0
2025-02-07T10:30:04 7C 21 0A 5F D3 11 0.113 0.098 5.498
"""
OLD_HV = (
    b"2023-05-02T10:30:03; 7c:21:0a:5f:d3:11 0.081 0.077 5.501 5.502 0.000 1.290 5.500 1.004 5.500 1.000 1 1 0 0 1 1\n"
)
RATES = b"""\
2025-02-07T10:00:51; 12.4 10.1 9.8 64.0 81.5 90.2 104.6 5.9 3.3 3.1 5.4\x20
2025-02-07T10:05:51; 12.2 10.0 9.7 63.8 81.9 89.7 104.9 5.8 3.4 3.0
2025-02-07T10:10:51; 12.2 10.0 9.7 63.8 81.9 89.7 104.9 5.8 3.4 3.0 5.3 7
"""


def rows_of(content: bytes, kind: str, day: date | None = DAY):
    outcome = read_log(content, kind, day, FETCHED_AT)
    return outcome, outcome.tables[0][1].to_pylist()


def reason_of(text: str, kind: str, day: date | None = DAY) -> str:
    with pytest.raises(LineError) as caught:
        read_line(text, kind, day, FETCHED_AT)
    return caught.value.reason


def test_golden_air() -> None:
    outcome, rows = rows_of(BUS0, "env_ext")
    assert (outcome.counts.n_ok, outcome.counts.n_short, outcome.counts.n_rejects) == (5, 2, 1)
    assert [(r.reason, r.line_number) for r in outcome.rejects] == [("short_row", 8)]
    assert [row["row_status"] for row in rows] == ["ok", "ok", "ok", "ok", "short", "short", "ok"]
    assert {row["sensor_location"] for row in rows} == {"ext"}
    values = [(row["temp_degc"], row["rh_pct"], row["pressure_hpa"]) for row in rows]
    assert values[0] == (20.8, 41.2, 938.4)
    assert values[3] == (20.9, None, 937.8)
    assert values[4] == (21.0, 40.7, None), "four leading nan: the pressure is missing"
    assert values[5] == (21.1, 40.6, 937.5), "three leading nan: an unused field is missing"
    assert values[6] == (21.1, 40.6, 9375), "limits are not applied here"
    assert rows[0]["read_at"] == datetime(2025, 2, 7, 10, 0, 3)


def test_golden_hv() -> None:
    outcome, rows = rows_of(HV, "hv")
    assert [row["row_status"] for row in rows] == ["ok", "short"]
    assert [r.reason for r in outcome.rejects] == ["short_row"]
    first, second = rows
    assert first["hv_board_id"] == "7C:21:0A:5F:D3:11"
    assert (first["hv_current_pos_ua"], first["hv_current_neg_ua"]) == (0.112, 0.097)
    assert (first["hv_neg_kv"], first["hv_pos_kv"]) == (5.498, 5.501)
    assert (first["hv_supply_v"], first["hv_current_limit_dac_ua"]) == (1.284, 1.0)
    flags = ["is_hv_in_limit", "is_hv_ip_limit", *(f"hv_flag_{i}" for i in range(3, 8))]
    assert [first[name] for name in flags] == [1, 1, 0, 0, 1, 1, 1]
    assert [second[name] for name in flags] == [1, 1, 0, 0, None, None, None]


def test_golden_old_hv() -> None:
    outcome, rows = rows_of(OLD_HV, "hv", date(2023, 5, 2))
    assert (outcome.counts.n_ok, outcome.counts.n_short) == (1, 0)
    assert rows[0]["row_status"] == "ok_old"
    assert rows[0]["hv_board_id"] == "7C:21:0A:5F:D3:11"
    assert (rows[0]["hv_current_pos_ua"], rows[0]["hv_flag_6"], rows[0]["hv_flag_7"]) == (0.081, 1, None)


def test_golden_rates() -> None:
    outcome, rows = rows_of(RATES, "rates")
    assert [r.reason for r in outcome.rejects] == ["ambiguous_short", "too_many_tokens"]
    assert len(rows) == 1
    assert (rows[0]["rate_tm0_hz"], rows[0]["rate_tm3_hz"]) == (64.0, 104.6)
    assert (rows[0]["rate_asserted_hz"], rows[0]["rate_cm3_hz"]) == (12.4, 5.4)


@pytest.mark.parametrize(
    ("kind", "line", "expected"),
    [
        ("flow", b"2025-02-07 10:00:05 771 786 812 743", {"flow_p1_au": 771, "flow_p4_au": 743}),
        ("computer", b"2025-02-07T10:00:06; 44 61 18250", {"disk_2_fill_pct": 61, "file_indicator": 18250}),
        ("computer", b"2025-02-07T10:00:06 44 61 18250", {"disk_1_fill_pct": 44, "file_indicator": 18250}),
        ("weight", b"2025-02-07 09:41:12 8.350", {"bottle_weight_kg": 8.35}),
        ("env_int", b"2025-02-07T11:15:02; nan nan nan nan 34.2 18.0 936.9", {"sensor_location": "int", "rh_pct": 18}),
    ],
)
def test_golden_other_kinds(kind: str, line: bytes, expected: dict[str, object]) -> None:
    _, rows = rows_of(line + b"\n", kind)
    assert expected.items() <= rows[0].items()


@pytest.mark.parametrize(
    ("reason", "kind", "text"),
    [
        ("binary", "flow", "2025-02-07 10:00:05 771\x00 786 812 743"),
        ("binary", "flow", "2025-02-07 10:00:05 771\x85 786 812 743"),
        ("bad_time", "flow", "771"),
        ("bad_time", "flow", "2025-02-30 10:00:05 771 786 812 743"),
        ("bad_time", "flow", "2025-02-07 24:00:00 771 786 812 743"),
        ("bad_time", "flow", "2025-02-07 10:00 771 786 812 743"),
        ("bad_time", "flow", "2019-12-31 23:59:59 771 786 812 743"),
        ("bad_time", "flow", "2025-02-08 00:10:01 771 786 812 743"),
        ("off_date", "flow", "2025-02-05 10:00:05 771 786 812 743"),
        ("too_many_tokens", "flow", "2025-02-07 10:00:05 771 786 812 743 1"),
        ("short_row", "flow", "2025-02-07 10:00:05 771 786"),
        ("ambiguous_short", "flow", "2025-02-07 10:00:05 771 786 812"),
        ("ambiguous_short", "computer", "2025-02-07T10:00:06; 44 61"),
        ("ambiguous_short", "env_ext", "2025-02-07T10:45:04; nan nan nan nan nan 40.7"),
        ("ambiguous_short", "env_ext", "2025-02-07T10:45:04; nan nan 1 2 3 4"),
        ("short_row", "weight", "2025-02-07 09:41:12"),
        ("bad_number", "weight", "2025-02-07 09:41:12 8,350".replace(",", "..")),
        ("bad_number", "weight", "2025-02-07 09:41:12 1e999"),
        ("bad_number", "weight", "2025-02-07 09:41:12 inf"),
        ("bad_number", "weight", "2025-02-07 09:41:12 -nan"),
        ("bad_number", "weight", "2025-02-07 09:41:12 1_0"),
        ("bad_number", "flow", "2025-02-07 10:00:05 771\xa0786 812 743 1"),
        ("bad_number", "env_ext", "2025-02-07T10:00:03; nan x nan nan 20.8 41.2 938.4"),
        ("bad_id", "hv", HV.decode().splitlines()[0].replace("0A", "0G")),
        ("bad_flag", "hv", HV.decode().splitlines()[0][:-1] + "2"),
        ("bad_number", "hv", HV.decode().splitlines()[0].replace("1.284", "1.2.8")),
        ("ambiguous_short", "hv", HV.decode().splitlines()[1].replace("0A", "0G")),
        ("ambiguous_short", "hv", HV.decode().splitlines()[0].replace(" 0.112", "")),
        ("short_row", "hv", OLD_HV.decode().strip().replace("2023-05-02", "2025-02-07").replace(":d3", ";d3")[:100]),
    ],
)
def test_reject_reasons(reason: str, kind: str, text: str) -> None:
    assert reason_of(text, kind) == reason


def test_clock_may_run_ten_minutes_ahead() -> None:
    assert read_line("2025-02-08 00:10:00 8.35", "weight", DAY, FETCHED_AT).values == (8.35,)


def test_growing_weight_file_has_no_day() -> None:
    outcome, rows = rows_of(b"2024-11-01 09:00:00 9.1\n2025-02-07 09:41:12 8.350\n", "weight", None)
    assert [row["file_date"] for row in rows] == [date(2024, 11, 1), DAY]
    assert (outcome.date_from, outcome.date_to) == (date(2024, 11, 1), DAY)


@pytest.mark.parametrize(("folder", "n_ok", "n_pending"), [("top", 1, 1), ("done", 2, 0)])
def test_last_line_without_end(folder: str, n_ok: int, n_pending: int) -> None:
    outcome = read_log(b"2025-02-07 09:41:12 8.350\n2025-02-07 09:45:00 8.3", "weight", DAY, FETCHED_AT, folder)
    assert (outcome.counts.n_ok, outcome.counts.n_pending_tail, outcome.counts.n_lines) == (n_ok, n_pending, 2)


def test_line_ends_and_blank_lines() -> None:
    outcome, rows = rows_of(b"\r\n \t \n  2025-02-07 09:41:12 8.350 \r\n\n", "weight")
    assert (outcome.counts.n_lines, outcome.counts.n_blank, outcome.counts.n_ok) == (4, 3, 1)
    assert rows[0]["line_number"] == 3


def test_rejected_text_is_printable_and_bounded() -> None:
    outcome = read_log(b"\xff\x00 caf\xe9" + b"x" * 5000 + b"\n", "flow", DAY, FETCHED_AT)
    text = outcome.rejects[0].line_text
    assert text is not None
    assert text.startswith("\\xff\\x00 caf\\xe9x")
    assert text.isascii()
    assert text.count("x") <= 1024


def test_empty_file() -> None:
    outcome = read_log(b"", "flow", DAY, FETCHED_AT)
    assert (outcome.status, outcome.tables, outcome.counts.n_lines) == ("empty_file", [], 0)


@pytest.mark.parametrize(
    ("token", "value"), [("NaN", None), ("-1", -1.0), ("+2.5e1", 25.0), ("5.", 5.0), (".5", 0.5), ("1E-3", 0.001)]
)
def test_numbers(token: str, value: float | None) -> None:
    assert parse_number(token) == value


@pytest.mark.parametrize(
    ("name", "kind", "day"),
    [
        ("sensors_bus0_2025-02-07.log", "env_ext", DAY),
        ("sensors_bus1_2025-02-07.log~2", "env_int", DAY),
        ("hv0_2025-02-07.log", "hv", DAY),
        ("rates_2025-02-07.log", "rates", DAY),
        ("rates_2025-02-07", "rates", DAY),
        ("Flow0_2025-02-07.log", "flow", DAY),
        ("Odroid_2025-02-07.log", "computer", DAY),
        ("weight_2025-02-07.log", "weight", DAY),
        ("clean_gas_weight_measurements.log", "weight", None),
    ],
)
def test_names(name: str, kind: str, day: date | None) -> None:
    parsed = parse_log_name(name)
    assert parsed is not None
    assert (parsed.kind, parsed.file_date) == (kind, day)


@pytest.mark.parametrize(
    "name",
    [
        "hv0_2025-02-07",
        "hv0_2025-02-30.log",
        "hv_scan_2025-02-07.csv",
        "clean_sensors_bus0.log",
        "merged_2025-02-07.log",
        "flow0_2025-02-07.log",
        "hv0_2025-02-07.log.gz",
        "mi0125038100000.dat",
        "",
    ],
)
def test_other_names(name: str) -> None:
    assert parse_log_name(name) is None


def test_head_and_provenance_frame_the_values() -> None:
    for kind, dataset in DATASET_OF_KIND.items():
        names = [column.name for column in dataset.columns]
        assert names[N_HEAD_COLUMNS - 1] == "file_size_bytes"
        assert names[-len(PROVENANCE) - 1 :] == [*(c.name for c in PROVENANCE), LINE_NUMBER.name]
        n_unused = 4 if kind.startswith("env_") else 0
        n_extra = 1 if kind.startswith("env_") else 0  # the location is not a token
        n_joined = 5 if kind == "hv" else 0  # six tokens make one board
        n_tokens = len(value_columns(dataset)) - n_extra + n_unused + n_joined + 2
        assert n_tokens == TOKEN_RULES[kind].exact


LINES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([line for block in (BUS0, HV, OLD_HV, RATES) for line in block.splitlines()]),
    st.lists(
        st.sampled_from([b"2025-02-07T10:00:00;", b"2025-02-07", b"10:00:00", b"nan", b"1", b"0", b"7C", b"3.5", b"x"]),
        max_size=27,
    ).map(b" ".join),
)


@given(st.lists(LINES, max_size=12), st.booleans(), st.sampled_from(KINDS), st.sampled_from(["top", "done"]))
def test_any_bytes_are_counted_once_and_never_raise(lines: list[bytes], is_ended: bool, kind: str, folder: str) -> None:
    content = b"\n".join(lines) + (b"\n" if is_ended else b"")
    outcome = read_log(content, kind, DAY, FETCHED_AT, folder)
    counts = outcome.counts
    assert counts.n_lines == content.count(b"\n") + (bool(content) and not content.endswith(b"\n"))
    parts = (counts.n_blank, counts.n_header, counts.n_ok, counts.n_short, counts.n_rejects, counts.n_pending_tail)
    assert counts.n_lines == sum(parts)
    assert len(outcome.rejects) == counts.n_rejects
    assert outcome.n_rows == counts.n_ok + counts.n_short
    for _, table in outcome.tables:
        for row in table.to_pylist():
            assert all(value == value for value in row.values()), "NaN stored"


@given(st.lists(st.sampled_from(BUS0.splitlines()), min_size=1), st.lists(LINES, max_size=3))
def test_bad_lines_never_change_good_ones(good: list[bytes], other: list[bytes]) -> None:
    values = ["read_at", "row_status", "temp_degc", "rh_pct", "pressure_hpa"]

    def readings(lines: list[bytes]) -> list[tuple[object, ...]]:
        rows = read_log(b"\n".join(lines) + b"\n", "env_ext", DAY, FETCHED_AT).tables[0][1].to_pylist()
        return sorted(tuple(repr(row[name]) for name in values) for row in rows)

    other = [line.replace(b"\n", b" ") for line in other]
    together = readings([*other, *good, *other])
    expected = sorted(readings(good) + readings([*other, *other]) if other else readings(good))
    assert together == expected
