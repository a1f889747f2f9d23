"""The text layouts, byte by byte."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulate.text import render_legacy, render_lines, render_rows

ZEROS4 = "0000.0000 0000.0000 0000.0000 0000.0000"
NO_HIT = f"{ZEROS4}  {ZEROS4}"
EVENT_A = (
    "2025 06 10 14 03 27  1   "
    f"{NO_HIT}   {NO_HIT}   "
    "-118.2200 -117.3056 0000.0000 0000.0000  -115.7003 -116.0480 0000.0000 0000.0000   "
    "0000.0000 0110.4071 0000.0000 0000.0000  0088.0150 0112.9950 0000.0000 0000.0000   "
    "0000.0000 0000.0000 -120.7725 0000.0000  0000.0000 0000.0000 -118.9004 0000.0000   "
    "0000.0000 0000.0000 0095.6610 0000.0000  0000.0000 0000.0000 0094.0312 0000.0000   "
    "0000.0000 0000.0000 -121.0387 0000.0000  0000.0000 0000.0000 -119.5102 0000.0000   "
    "0000.0000 0000.0000 0097.2046 0000.0000  0000.0000 0000.0000 0101.0009 0000.0000\n"
)
EVENT_B = f"2025 06 10 14 03 28  2   -005.1000{ZEROS4[9:]}  {ZEROS4}   0091.0507{ZEROS4[9:]}  {ZEROS4}"
EVENT_B += f"   {NO_HIT}   {NO_HIT}" * 3 + "\n"
SECOND_A = int(np.datetime64("2025-06-10T14:03:27").astype(np.int64))


def ticks_of(line: str) -> NDArray[np.int32]:
    return np.rint(np.array([[float(token) for token in line.split()[7:]]]) * 10_000).astype(np.int32)


@pytest.mark.parametrize(("line", "second", "trigger"), [(EVENT_A, SECOND_A, 1), (EVENT_B, SECOND_A + 1, 2)])
def test_production_rows_of_the_specification(line: str, second: int, trigger: int) -> None:
    rows = render_rows("production", np.array([second]), np.array([trigger]), ticks_of(line))
    assert rows.shape == (1, 687)
    assert rows.tobytes().decode() == line


def test_production_offsets() -> None:
    values = np.arange(1, 65, dtype=np.int32)[None, :] * 10_000
    row = render_rows("production", np.array([0]), np.array([1]), values).tobytes().decode()
    inside = [0, 10, 20, 30, 41, 51, 61, 71, 83, 93, 103, 113, 124, 134, 144, 154]
    for block in range(4):
        for k, offset in enumerate(inside):
            start = 25 + 166 * block + offset
            assert row[start : start + 9] == f"{16 * block + k + 1:04d}.0000"
    assert (row[:4], row[5:7], row[8:10], row[11:13], row[14:16], row[17:19], row[21]) == (
        *("1970", "01", "01"),
        *("00", "00", "00", "1"),
    )


values_64 = st.lists(st.integers(-9_999_999, 9_999_999) | st.just(0), min_size=64, max_size=64)
seconds = st.integers(946_684_800, 4_102_444_799)


@given(st.lists(st.tuples(values_64, seconds, st.integers(0, 9)), min_size=1, max_size=4))
def test_reading_gives_back_what_was_written(rows: list[tuple[list[int], int, int]]) -> None:
    values = np.array([row[0] for row in rows], dtype=np.int32)
    time_s = np.array([row[1] for row in rows])
    trigger = np.array([row[2] for row in rows])
    for layout in ("production", "simulated"):
        lines = render_lines(layout, time_s, trigger, values)
        for k, line in enumerate(bytes(line).decode() for line in lines):
            assert line.endswith("\n")
            tokens = line.split()
            assert len(tokens) == 71
            moment = "{}-{}-{}T{}:{}:{}".format(*tokens[:6])
            assert int(np.datetime64(moment).astype(np.int64)) == time_s[k]
            assert int(tokens[6]) == trigger[k]
            assert [round(float(token) * 10_000) for token in tokens[7:]] == values[k].tolist()


def test_simulated_layout_has_no_padding_after_a_minus_sign() -> None:
    values = np.zeros((2, 64), dtype=np.int32)
    values[0, :4] = [-51_000, -995_000, -1_000_000, 123_000]
    line = bytes(render_lines("simulated", np.array([0, 0]), np.array([1, 1]), values)[0]).decode()
    assert line.startswith("1970 01 01 00 00 00 1 -5.1000 -99.5000 -100.0000 0012.3000 0000.0000 ")


def test_simulated_row_width() -> None:
    rows = render_rows("simulated", np.array([0]), np.array([1]), np.full((1, 64), -1_200_000, dtype=np.int32))
    assert rows.shape == (1, 662)


def test_legacy_rows_have_64_wide_values_and_no_date() -> None:
    values = np.zeros((1, 64), dtype=np.int32)
    values[0, [0, 4, 8]] = [-51_000, 123_000, 9_999_999]
    tokens = render_legacy(values).tobytes().decode().split()
    assert len(tokens) == 64
    assert {len(token) for token in tokens} == {10}
    assert tokens[:9:4] == ["-0005.1000", "00012.3000", "00999.9999"]
    assert tokens[5] == "-0000.0000"


@pytest.mark.parametrize(("value", "trigger"), [(10_000_000, 1), (-10_000_000, 1), (0, 10), (0, -1)])
def test_what_does_not_fit_is_refused(value: int, trigger: int) -> None:
    with pytest.raises(ValueError, match="below 1000 ns"):
        render_rows("production", np.array([0]), np.array([trigger]), np.full((1, 64), value, dtype=np.int32))


def test_no_rows() -> None:
    empty = np.zeros((0, 64), dtype=np.int32)
    none = np.zeros(0, dtype=np.int64)
    assert render_rows("production", none, none, empty).shape == (0, 687)
