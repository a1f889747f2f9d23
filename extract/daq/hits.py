"""From the 64 values of each event to its strips with a signal, its topology and its counts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from extract.daq.bulk import Flags, Floats, Integers
from extract.daq.schema import N_VALUES, RAW_HIT, RAW_TT, column_index

N_STRIPS = 16
_HIT_SCHEMA = RAW_HIT.schema
_MIXER = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits spread the time over the word
_BYTES_SUM = np.uint64(0x0101010101010101)

NO_TRAILING_NS = 0.00015
"""A charge this close to minus its time says that the trailing edge is missing."""

_SLOTS = np.arange(N_STRIPS)
_PLANE = (1 + _SLOTS // 4).astype(np.int8)
_STRIP = (1 + _SLOTS % 4).astype(np.int8)
_T_FRONT = np.array([column_index(1 + s // 4, 1 + s % 4, "front", "T") - 7 for s in range(N_STRIPS)])
_QUANTITY_STEP = 4  # t_front, t_back, q_front, q_back of a strip are four columns apart

# Bit i of a topology code is block i of the row, that is plane 4 - i.
_PLANES_OF_CODE = [[p for p in (1, 2, 3, 4) if code >> (4 - p) & 1] for code in range(16)]
_RAW_TT_OF_CODE = np.array([int("".join(map(str, planes)) or "0") for planes in _PLANES_OF_CODE], np.int16)
TOPOLOGY_OF_CODE = np.array([RAW_TT.index(tt) for tt in _RAW_TT_OF_CODE.tolist()])
"""Position in `RAW_TT` of each topology code."""


@dataclass(frozen=True)
class Signals:
    """Which strips of the events of a block have a signal.

    ``is_active`` bool (n, 16) in the order plane 1 strip 1 .. plane 4 strip 4; ``n_hits`` int8 (n,); ``topology`` the
    code of the planes with charge (n,); ``n_nonzero`` counts (64,) in file order.
    """

    is_active: Flags
    n_hits: NDArray[np.int8]
    topology: NDArray[np.uint32]
    n_nonzero: Integers

    @property
    def raw_tt(self) -> NDArray[np.int16]:
        """Digits of the planes with charge, ascending, 0 if none; int16 (n,)."""
        return _RAW_TT_OF_CODE[self.topology]


def find_signals(values: Floats) -> Signals:
    """Find the strips with any value and the planes with any charge in ``values``, float32 (n, 64) in file order."""
    is_nonzero = values != 0
    four_strips = is_nonzero.view(np.uint32).reshape(-1, 4, 4)  # block, quantity; one byte a strip
    charge = four_strips[:, :, 2] | four_strips[:, :, 3]
    active = (four_strips[:, :, 0] | four_strips[:, :, 1] | charge)[:, ::-1]
    is_active = np.ascontiguousarray(active).view(np.bool_)
    has_charge = (charge != 0).view(np.uint32).reshape(-1)  # one byte a block
    topology = (has_charge | has_charge >> 7 | has_charge >> 14 | has_charge >> 21) & np.uint32(15)
    return Signals(
        is_active=is_active,
        n_hits=_count_flags(is_active),
        topology=topology,
        n_nonzero=_count_columns(is_nonzero),
    )


def _count_flags(is_active: Flags) -> NDArray[np.int8]:
    """Row sums of a matrix of 16 flags, by adding bytes within 64-bit words."""
    words = is_active.view(np.uint64)
    return ((words[:, 0] + words[:, 1]) * _BYTES_SUM >> np.uint64(56)).astype(np.int8)


def _count_columns(is_nonzero: Flags) -> Integers:
    """Column sums of a matrix of flags: by bytes in groups too small to overflow, then the groups."""
    group = 255
    n_groups, rest = divmod(len(is_nonzero), group)
    flags = is_nonzero.view(np.uint8)
    groups = flags[: n_groups * group].reshape(n_groups, group, flags.shape[1]).sum(axis=1, dtype=np.uint8)
    tail = flags[len(flags) - rest :].sum(axis=0, dtype=np.int64)
    counts: Integers = groups.sum(axis=0, dtype=np.int64) + tail
    return counts


@dataclass(frozen=True)
class Hits:
    """Rows of `raw_hit` of a block, with the number of strip ends that lack an edge."""

    batch: pa.RecordBatch
    n_no_trailing: int
    n_no_leading: int


def build_hits(file_id: int, event_number: NDArray[np.int32], values: Floats, signals: Signals) -> Hits:
    """The rows of `raw_hit` in the order of event, plane and strip; zero becomes NULL."""
    active = np.flatnonzero(signals.is_active)
    event = active >> 4
    slot = active & (N_STRIPS - 1)
    flat = values.reshape(-1)
    first = event * N_VALUES
    first += _T_FRONT.take(slot)
    columns = []
    for quantity in range(4):
        columns.append(flat.take(first))
        if quantity < 3:
            first += _QUANTITY_STEP
    flags = [column != 0 for column in columns]
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(np.full(len(active), file_id, np.int64)),
            pa.array(event_number.take(event)),
            pa.array(_PLANE.take(slot)),
            pa.array(_STRIP.take(slot)),
            *(_with_nulls(column, is_valid) for column, is_valid in zip(columns, flags, strict=True)),
        ],
        schema=_HIT_SCHEMA,
    )
    no_trailing = no_leading = 0
    for time, charge in ((0, 2), (1, 3)):
        distance = columns[time] + columns[charge]
        np.abs(distance, out=distance)
        no_trailing += int(np.count_nonzero((distance <= np.float32(NO_TRAILING_NS)) & flags[charge]))
        no_leading += int(np.count_nonzero(flags[charge] > flags[time]))
    return Hits(batch, no_trailing, no_leading)


def _with_nulls(column: Floats, is_valid: Flags) -> "pa.Array[Any]":
    """A float32 array with NULL where not ``is_valid``."""
    validity = np.packbits(is_valid, bitorder="little")
    buffers: list[pa.Buffer | None] = [pa.py_buffer(validity.data), pa.py_buffer(column.data)]
    return pa.Array.from_buffers(pa.float32(), len(column), buffers)


def row_hashes(seconds: Integers, trigger_type: NDArray[np.int8], values: Floats) -> NDArray[np.uint64]:
    """A number per event (n,), equal for equal rows; equal numbers prove nothing."""
    hashes: NDArray[np.uint64] = values.view(np.uint64).sum(axis=1, dtype=np.uint64)
    hashes += (seconds * 128 + trigger_type).view(np.uint64) * _MIXER
    return hashes
