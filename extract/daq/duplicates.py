"""Rows of a file that repeat an earlier row."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from extract.daq.bulk import Flags, Integers

_VALUES = ("t_front_ns", "t_back_ns", "q_front_ns", "q_back_ns")


def find_duplicates(
    hashes: NDArray[np.uint64],
    seconds: Integers,
    trigger_type: NDArray[np.int8],
    n_hits: NDArray[np.int8],
    hits: pa.Table,
) -> Flags:
    """Which events repeat an earlier event: same time, trigger type and values, with at least one value.

    Equal ``hashes`` (n,) only choose the candidates; candidates are compared in full by their rows in ``hits``.
    """
    is_duplicate = np.zeros(len(hashes), bool)
    candidates = _candidates(hashes, n_hits)
    if not len(candidates):
        return is_duplicate
    slots = hits["plane"].to_numpy().astype(np.int16) * 16 + hits["strip"].to_numpy()
    values = np.column_stack([np.nan_to_num(hits[name].to_numpy()) for name in _VALUES])
    ends = np.cumsum(n_hits, dtype=np.int64)
    seen: set[tuple[int, int, bytes, bytes]] = set()
    for event in candidates.tolist():
        rows = slice(ends[event] - n_hits[event], ends[event])
        key = (int(seconds[event]), int(trigger_type[event]), slots[rows].tobytes(), values[rows].tobytes())
        is_duplicate[event] = key in seen
        seen.add(key)
    return is_duplicate


def _candidates(hashes: NDArray[np.uint64], n_hits: NDArray[np.int8]) -> Integers:
    """Events with hits whose hash occurs more than once, in file order."""
    with_hits = np.flatnonzero(n_hits)
    in_order = np.sort(hashes[with_hits])
    repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    if not len(repeated):
        return np.empty(0, np.int64)
    return with_hits[np.isin(hashes[with_hits], repeated)]
