"""Whatever the bytes are: no error, counters that add up, both paths with one result, exact values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.bulk import PRODUCTION, SIMULATED
from extract.daq.parser import parse_bytes, parse_segments
from extract.daq.reading import RawResult
from extract.daq.sample import write_rows
from extract.daq.schema import COLUMN_MAP, RAW_EVENT, RAW_HIT, RAW_REJECT
from tests.unit.daq.rows import ROW_A, ROW_B, joined, lines, name_of, tokens

START = 1_749_564_207


def same(content: bytes) -> RawResult:
    """Parse by both paths, whatever the content, and compare; the counters are checked inside."""
    bulk, careful = (parse_segments([content], name_of(), use_bulk=use) for use in (True, False))
    assert (bulk.status, bulk.param_hash, bulk.counters) == (careful.status, careful.param_hash, careful.counters)
    assert bulk.first_event_time == careful.first_event_time
    assert bulk.last_event_time == careful.last_event_time
    assert bulk.events.equals(careful.events)
    assert bulk.hits.combine_chunks().equals(careful.hits.combine_chunks())
    assert bulk.rejects.equals(careful.rejects)
    for dataset, table in ((RAW_EVENT, bulk.events), (RAW_HIT, bulk.hits), (RAW_REJECT, bulk.rejects)):
        dataset.check(table)
    n_lines = content.count(b"\n") + (content != b"" and not content.endswith(b"\n"))
    assert bulk.counters.n_lines == n_lines
    numbers = bulk.events["event_number"].to_pylist()
    assert numbers == sorted(set(numbers))
    rejected = {
        row["line_number"]
        for row in bulk.rejects.select(["line_number", "is_fragment"]).to_pylist()
        if not row["is_fragment"]
    }
    assert not rejected & set(numbers)
    return bulk


VALUES = st.one_of(st.just(0), st.integers(-9_999_999, 9_999_999), st.integers(-50, 50))
HEALTHY = st.builds(
    lambda values, second, trigger, layout: write_rows(
        np.array([values]), np.array([START + second]), trigger, layout
    ).rstrip(b"\n"),
    st.lists(VALUES, min_size=64, max_size=64),
    st.integers(0, 20),
    st.sampled_from([1, 1, 1, 2, 3]),
    st.sampled_from([PRODUCTION, PRODUCTION, SIMULATED]),
)
FEW_ROWS = st.sampled_from([ROW_A, ROW_B, joined(ROW_A), joined(ROW_B)])
ROWS = st.one_of(FEW_ROWS, HEALTHY)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A row with one of the known defects."""
    row = draw(ROWS)
    parts = tokens(row)
    index = draw(st.integers(0, 70))
    kind = draw(st.integers(0, 11))
    if kind == 0:
        return b" ".join(parts[: draw(st.integers(0, 70))])
    if kind == 1:
        return row + b" 0000.0000" * draw(st.integers(1, 4))
    if kind == 2:
        return joined(row, {index: draw(st.sampled_from([b"nan", b"-Inf", b"1e99", b"0096.6863.19", b"1,5", b"-"]))})
    if kind == 3:
        return joined(row, {draw(st.integers(0, 5)): draw(st.sampled_from([b"0000", b"13", b"32", b"60", b"99"]))})
    if kind == 4:
        first = draw(st.integers(7, 69))
        count = draw(st.integers(2, 4))
        parts[first : first + count] = [b"".join(parts[first : first + count])]
        return b" ".join(parts)
    if kind == 5:
        return b"X" + row
    if kind == 6:
        return b" ".join(parts[:index]) + b"X" + draw(ROWS)
    if kind == 7:
        return row + b"X" + draw(ROWS) + b"X" * draw(st.integers(0, 2)) + draw(FEW_ROWS)
    if kind == 8:
        position = draw(st.integers(0, len(row) - 1))
        return row[:position] + draw(st.binary(min_size=1, max_size=1)).replace(b"\n", b" ") + row[position + 1 :]
    if kind == 9:
        return draw(st.sampled_from([b"", b" \t\r", b"# comment", b"# param_hash=00ff", b"7" * 5000, b"\xff" * 3]))
    if kind == 10:
        return joined(row, {index: draw(st.sampled_from([b"+1.5", b"1e2", b"-.5", b"12345.6789", b"-0000.0000"]))})
    return draw(st.sampled_from([b"  ", b"\t"])) + draw(st.sampled_from([b" ", b"\t ", b"\v"])).join(parts) + b"\r"


@given(st.binary(max_size=4000))
def test_random_bytes(content: bytes) -> None:
    same(content)


@given(st.lists(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)), max_size=12))
def test_random_lines(random_lines: list[bytes]) -> None:
    same(lines(random_lines))


@given(
    st.lists(st.one_of(ROWS, damaged()), min_size=1, max_size=10),
    st.sampled_from([b"", b"\n", b"\n\n", b"\r\n"]),
)
def test_mixtures_of_defects(mixture: list[bytes], ending: bytes) -> None:
    result = same(b"\n".join(mixture) + ending)
    assert result.counters.n_lines >= len([line for line in mixture if line])


@given(st.binary(max_size=60), st.integers(0, 700), st.integers(0, 700))
def test_damage_anywhere(damage: bytes, position: int, removed: int) -> None:
    content = lines([ROW_A, ROW_B, ROW_A])
    same(content[: 687 + position] + damage + content[687 + position + removed :])


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_healthy_rows_are_all_events(rows: list[bytes]) -> None:
    result = same(lines(rows))
    assert (result.counters.n_events, result.counters.n_rejects) == (len(rows), 0)


def print_values(result: RawResult, index: int) -> list[str]:
    """The 64 values of an event in file order, with four decimals."""
    hits = [row for row in result.hits.to_pylist() if row["event_number"] == index + 1]
    found = {(row["plane"], row["strip"]): row for row in hits}
    printed = []
    for column in COLUMN_MAP:
        row = found.get((column.plane, column.strip))
        value = row[f"{column.quantity.lower()}_{column.side}_ns"] if row else None
        printed.append(f"{value or 0.0:.4f}")
    return printed


@pytest.mark.parametrize("layout", [PRODUCTION, SIMULATED], ids=["production", "simulated"])
@given(st.lists(st.integers(-9_999_999, 10_239_999), min_size=64, max_size=64))
def test_printing_gives_the_text_back(layout: object, values: list[int]) -> None:
    content = write_rows(np.array([values]), np.array([START]), layout=layout)  # type: ignore[arg-type]
    result = same(content)
    assert print_values(result, 0) == [f"{value / 10_000:.4f}" for value in values]


def test_all_values_below_1024_print_back() -> None:
    """Every number with four decimals below 1024: 10,240,000 of them, each in one row of 64."""
    values = np.arange(10_240_000).reshape(-1, 64)
    values *= np.where((np.arange(64) % 3 == 0) & (values < 10**7), -1, 1)  # below -999.9999 a field is wider
    columns = [
        (4 - column.plane) * 4 + column.strip - 1 + 16 * (2 * "TQ".index(column.quantity) + (column.side == "back"))
        for column in COLUMN_MAP
    ]
    for part in np.array_split(values, 20):
        result = parse_bytes(write_rows(part, np.full(len(part), START)), name_of())
        assert len(result.hits) == 16 * len(part)
        order = np.lexsort([result.hits["strip"], -result.hits["plane"].to_numpy(), result.hits["event_number"]])
        quantities = [np.nan_to_num(result.hits[f"{name}_ns"].to_numpy())[order] for name in QUANTITIES]
        found = np.stack([quantity.reshape(-1, 16) for quantity in quantities], axis=1).reshape(-1, 64)[:, columns]
        assert np.array_equal(np.rint(found.astype(float) * 10_000), part)
        assert np.array_equal(found, (part / 10_000).astype(np.float32))


QUANTITIES = ("t_front", "t_back", "q_front", "q_back")
