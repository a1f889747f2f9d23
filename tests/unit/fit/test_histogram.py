"""Reading histograms: files apart, bins on one grid."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.fit.histogram import bin_centres, by_file, channel_of, dense, plane_strip

SCHEMA = pa.schema([("file_id", pa.int64()), ("n", pa.int64())])


def reader(files: list[int], batch_rows: int) -> pa.RecordBatchReader:
    table = pa.table({"file_id": files, "n": list(range(len(files)))}, schema=SCHEMA)
    return pa.RecordBatchReader.from_batches(SCHEMA, table.to_batches(max_chunksize=batch_rows))


@given(st.lists(st.integers(1, 4), max_size=6), st.integers(1, 7))
def test_each_file_comes_once_and_whole(lengths: list[int], batch_rows: int) -> None:
    files = [100 + i for i, length in enumerate(lengths) for _ in range(length)]
    found = {file_id: rows["n"].to_pylist() for file_id, rows in by_file(reader(files, batch_rows))}
    assert {file_id: len(n) for file_id, n in found.items()} == {100 + i: n for i, n in enumerate(lengths)}
    assert [n for rows in found.values() for n in rows] == list(range(len(files)))


def test_unordered_files_are_refused() -> None:
    with pytest.raises(ValueError, match="comes twice"):
        list(by_file(reader([1, 2, 1], 10)))


def test_channels_are_planes_and_strips_in_order() -> None:
    plane, strip = plane_strip()
    assert channel_of(plane.astype(np.int64), strip.astype(np.int64)).tolist() == list(range(16))
    assert (plane[4], strip[4]) == (2, 1)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(-60, 60)), unique=True), st.integers(1, 20))
def test_dense_form_holds_every_entry_in_its_bin(rows: list[tuple[int, int, int]], align: int) -> None:
    plane, strip, bins = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    table = pa.table(
        {"plane": plane, "strip": strip, "bin_index": bins, "n": list(range(1, len(rows) + 1))},
        schema=pa.schema([(name, pa.int64()) for name in ("plane", "strip", "bin_index", "n")]),
    )
    histogram = dense(table, align=align, pad=1)
    assert histogram.first_bin % align == 0
    assert histogram.counts.shape[1] % align == 0
    assert histogram.counts.sum() == sum(range(1, len(rows) + 1))
    for n, (p, s, b) in enumerate(rows, start=1):
        assert histogram.counts[4 * (p - 1) + s - 1, b - histogram.first_bin] == n


def test_centres() -> None:
    np.testing.assert_allclose(bin_centres(-2, 3, 0.1), [-0.15, -0.05, 0.05])
