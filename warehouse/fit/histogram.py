"""Histograms as they come from SQL, rows of (file, channel, bin, count) on an absolute grid, and in dense form.

Bin i of a grid of width w covers [i w, (i + 1) w).
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

N_PLANES = 4
N_STRIPS = 4
N_CHANNELS = N_PLANES * N_STRIPS
"""Strips of a telescope; channel = 4 (plane - 1) + strip - 1."""

Counts = NDArray[np.float64]


class Dense(NamedTuple):
    """Histograms of the 16 strips on one grid: ``counts`` (16, n) and the index of the first bin."""

    counts: Counts
    first_bin: int

    def centres(self, width: float) -> NDArray[np.float64]:
        """Centres of the bins, in the unit of ``width``."""
        return bin_centres(self.first_bin, self.counts.shape[1], width)


def bin_centres(first_bin: int, n_bins: int, width: float) -> NDArray[np.float64]:
    """Centres of ``n_bins`` bins from ``first_bin`` on, in the unit of ``width``."""
    return np.asarray((np.arange(first_bin, first_bin + n_bins) + 0.5) * width, dtype=np.float64)


def channel_of(plane: NDArray[np.int64], strip: NDArray[np.int64]) -> NDArray[np.int64]:
    """Channel 0..15 of plane and strip 1..4."""
    return N_STRIPS * (plane - 1) + strip - 1


def plane_strip() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Plane and strip (1..4) of the channels 0..15."""
    channel = np.arange(N_CHANNELS)
    return (channel // N_STRIPS + 1).astype(np.int8), (channel % N_STRIPS + 1).astype(np.int8)


def integers(table: pa.Table, name: str) -> NDArray[np.int64]:
    """A column without NULL as int64."""
    return table[name].to_numpy().astype(np.int64)


def number(value: float) -> float | None:
    """A finite value as it is stored; NULL for NaN and infinities."""
    return float(value) if np.isfinite(value) else None


def dense(table: pa.Table, *, align: int = 1, pad: int = 0) -> Dense:
    """The rows (plane, strip, bin_index, n) of one file as 16 histograms on one grid.

    The first bin is a multiple of ``align`` and the number of bins too, so that ``align`` bins can be merged; ``pad``
    empty bins are added on both sides first. An empty table gives one group of empty bins.
    """
    bins = integers(table, "bin_index")
    low, high = (int(bins.min()), int(bins.max())) if len(bins) else (0, 0)
    first = (low - pad) // align * align
    length = -(-(high + pad + 1 - first) // align) * align
    counts = np.zeros((N_CHANNELS, length))
    channel = channel_of(integers(table, "plane"), integers(table, "strip"))
    counts[channel, bins - first] = table["n"].to_numpy()
    return Dense(counts, first)


def by_file(rows: pa.RecordBatchReader) -> Iterator[tuple[int, pa.Table]]:
    """The rows of one file after the other, of a stream ordered by ``file_id``; only one file is held at a time.

    Raises
    ------
    ValueError
        When a file comes again after another one: the stream is not ordered.
    """
    seen: set[int] = set()
    parts: list[pa.RecordBatch] = []
    held = -1
    for batch in rows:
        files = batch.column(batch.schema.get_field_index("file_id")).to_numpy()
        if not len(files):
            continue
        starts = np.concatenate([[0], np.flatnonzero(np.diff(files)) + 1, [len(files)]])
        for start, stop in pairwise(starts.tolist()):
            if int(files[start]) != held:
                if parts:
                    yield held, pa.Table.from_batches(parts)
                held, parts = int(files[start]), []
                if held in seen:
                    raise ValueError(f"rows are not ordered by file: {held} comes twice")
                seen.add(held)
            parts.append(batch.slice(start, stop - start))
    if parts:
        yield held, pa.Table.from_batches(parts)


def kind_of(table: pa.Table, kind: str) -> pa.Table:
    """The rows of one kind of histogram."""
    return table.filter(pc.field("kind") == kind)


def parameters_by_file(parameters: pa.Table) -> dict[int, Mapping[str, float]]:
    """The parameters of each file, from the rows of ``int_file_parameter``."""
    return {row["file_id"]: row for row in parameters.to_pylist()}
