"""The TDC data of the events of a batch: where they stand, and the edges of each channel.

Nothing here knows how long a fine-time code is; see `fine` for that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extract.daq.bulk import Flags, Integers
from extract.daq.hld.words import WORD_BYTES, Words
from extract.daq.schema import COLUMN_MAP, N_HEADER_COLUMNS, N_VALUES

N_CHANNELS = 33
"""Channel 0 is the reference, 1..32 are the strip ends."""

N_CODES = 1024
"""Values of the fine-time field."""

COARSE_NS = 5
"""Length of a step of the coarse counter, ns."""

MAX_SUBEVENTS = 64
"""Sub-events looked at in one event to find ours."""

N_SLOTS = 66
"""Places of an event for its edges: 64 in the order of the columns, then both edges of the reference channel."""

_OUR_ID, _SECOND_ID = 0xC001, 0xC002
_SUBEVENT_DECODING = 0x0002
_SUBEVENT_WORDS = 4
_HEADER, _EPOCH, _TIME = 1, 3, 4
_EPOCH_BITS, _COARSE_BITS = 28, 11
_HALF_TICKS = 2 ** (_EPOCH_BITS + _COARSE_BITS - 1)


def _slots() -> Integers:
    """Slot by edge code: channel times 2048, plus twice the fine code, plus 1 for a leading edge."""
    slots = np.empty((N_CHANNELS, 2), np.int64)
    slots[0] = N_VALUES + 1, N_VALUES
    for column in COLUMN_MAP:
        slots[column.tdc_channel, int(column.quantity == "T")] = column.column_index - N_HEADER_COLUMNS
    return np.repeat(slots[:, None], N_CODES, axis=1).reshape(-1)


_SLOT = _slots()


@dataclass(frozen=True)
class TdcData:
    """Where the TDC words of each event stand, in words.

    ``place`` of the TDC header and ``end`` int64 (n,), both 0 where there is none (``is_found`` false);
    ``trigger_type`` as the sub-event says it; ``is_ours`` whether there is a sub-event of our board at all.
    """

    place: Integers
    end: Integers
    is_big: Flags
    is_found: Flags
    is_ours: Flags
    trigger_type: NDArray[np.int64]
    n_other_offset: int


def find_tdc_data(words: Words, place: Integers, end: Integers, cts_words: int) -> TdcData:
    """Find the TDC header of the events whose first sub-event begins at ``place``, (n,), and that end at ``end``.

    The header is a word of type 1 directly followed by an epoch word: ``cts_words`` behind the word that opens the
    data, else the first such pair behind that word.
    """
    sub, stop, is_big, trigger_type = _find_subevents(words, place, end)
    is_ours = sub >= 0
    opening = sub + _SUBEVENT_WORDS
    opening += words.read(opening, is_big) == _SECOND_ID
    word = words.read(opening, is_big)
    begin = opening + 1
    stop = np.minimum(stop, begin + (word >> np.uint32(16)))
    is_open = is_ours & ((word & np.uint32(0xFFFF)) == _OUR_ID)
    header = begin + (cts_words - 1)
    is_found = is_open & _is_header(words, header, stop, is_big)
    missing = np.flatnonzero(is_open & ~is_found)
    first = _search_headers(words, begin[missing], stop[missing], is_big[missing])
    header[missing] = first
    is_found[missing] = first >= 0
    return TdcData(
        place=np.where(is_found, header, 0),
        end=np.where(is_found, stop, 0),
        is_big=is_big,
        is_found=is_found,
        is_ours=is_ours,
        trigger_type=trigger_type,
        n_other_offset=int(np.count_nonzero(first >= 0)),
    )


def _find_subevents(
    words: Words, place: Integers, end: Integers
) -> tuple[Integers, Integers, Flags, NDArray[np.int64]]:
    """Begin (-1 where there is none), end, byte order and trigger type of our sub-event in each event."""
    found, stop = np.full(len(place), -1), np.zeros(len(place), np.int64)
    is_big, trigger_type = np.zeros(len(place), bool), np.zeros(len(place), np.int64)
    event, at = np.arange(len(place)), place
    for _ in range(MAX_SUBEVENTS):
        raw = words.raw.take(at + 1, mode="clip")
        big = raw >> np.uint32(16) != _SUBEVENT_DECODING
        decoding = np.where(big, raw.byteswap(), raw)
        size = words.read(at, big).astype(np.int64)
        last = at + size // WORD_BYTES
        is_valid = (decoding >> np.uint32(16) == _SUBEVENT_DECODING) & (last <= end[event])
        is_valid &= size > _SUBEVENT_WORDS * WORD_BYTES
        is_ours = is_valid & (words.read(at + 2, big) == _OUR_ID)
        ours = event[is_ours]
        found[ours], stop[ours], is_big[ours] = at[is_ours], last[is_ours], big[is_ours]
        trigger_type[ours] = decoding[is_ours] >> np.uint32(4) & np.uint32(15)
        goes_on = is_valid & ~is_ours
        if not goes_on.any():
            break
        event, at = event[goes_on], (at + (size + 7) // 8 * 2)[goes_on]
    return found, stop, is_big, trigger_type


def _is_header(words: Words, place: Integers, stop: Integers, is_big: Flags) -> Flags:
    kind = words.read(place, is_big) >> np.uint32(29)
    kind_after = words.read(place + 1, is_big) >> np.uint32(29)
    is_header: Flags = (kind == _HEADER) & (kind_after == _EPOCH) & (place + 1 < stop)
    return is_header


def _search_headers(words: Words, begin: Integers, stop: Integers, is_big: Flags) -> Integers:
    """The first place of a TDC header between ``begin`` and ``stop``, -1 where there is none; (n,)."""
    row, place = _ragged(begin, np.maximum(stop - begin, 0))
    hits = np.flatnonzero(_is_header(words, place, stop[row], is_big[row]))
    found, first = np.unique(row[hits], return_index=True)
    result = np.full(len(begin), -1)
    result[found] = place[hits[first]]
    return result


def _ragged(begin: Integers, length: Integers) -> tuple[Integers, Integers]:
    """Row and place of every word of rows that begin at ``begin`` and have ``length`` words, in order."""
    ends = np.cumsum(length)
    row = np.repeat(np.arange(len(begin)), length)
    place = np.repeat(begin - (ends - length), length)
    place += np.arange(len(place))
    return row, place


@dataclass(frozen=True)
class Edges:
    """The edges in channels 0..32 of the events of a batch, in the order of the file.

    Attributes
    ----------
    n_edges
        Edges of each event, (n,).
    coarse_ns
        Time of the step after the edge minus that of the reference edge, multiples of 5 ns, (m,).
    code
        Channel times 2048, plus twice the fine code, plus 1 for a leading edge, (m,).
    has_reference, reference_code
        Whether an event has a leading edge in channel 0, and the code of the first, (n,). Without it, the times of the
        event mean nothing.
    """

    n_edges: Integers
    coarse_ns: NDArray[np.float64]
    code: Integers
    has_reference: Flags
    reference_code: Integers

    def count_codes(self) -> Integers:
        """Edges by channel, fine code and edge (0 trailing, 1 leading), (33, 1024, 2)."""
        return np.bincount(self.code, minlength=len(_SLOT)).reshape(N_CHANNELS, N_CODES, 2)

    def first_times_ns(self, fine_ns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Time after the reference of the first edge in each slot, 0 where there is none, (n, `N_SLOTS`).

        Leading edges have the slots of times, trailing edges those of charges. ``fine_ns`` is the time to take off the
        coarse time, by code.
        """
        times = np.repeat(fine_ns[self.reference_code], self.n_edges)
        times -= fine_ns.take(self.code)
        times += self.coarse_ns
        first = np.zeros((len(self.n_edges), N_SLOTS))
        cell = np.repeat(np.arange(len(self.n_edges)) * N_SLOTS, self.n_edges)
        cell += _SLOT.take(self.code)
        first.reshape(-1)[cell[::-1]] = times[::-1]  # of equal cells the last assignment stays: the first edge
        return first


def read_edges(words: Words, data: TdcData) -> Edges:
    """Read the TDC words of the events of a batch; edges of fine code 0 do not exist."""
    row, place = _ragged(data.place, data.end - data.place)
    word = words.raw.take(place)
    word = word.byteswap() if data.is_big[data.is_found].all() else np.where(data.is_big[row], word.byteswap(), word)
    is_edge = word - np.uint32(_TIME << 29) < N_CHANNELS << 22  # time words of channels 0..32 lie in one range
    is_edge &= word & np.uint32(0x003FF000) != 0
    edge = np.flatnonzero(is_edge)
    epoch = np.flatnonzero(word >> np.uint32(29) == _EPOCH)
    n_edges = _count_between(edge, np.cumsum(data.end - data.place))
    # The data of every event begin with an epoch word, so that the last one before an edge is of its own event.
    n_edges_of_epoch = len(edge) - np.searchsorted(edge, epoch)
    n_edges_of_epoch[:-1] -= n_edges_of_epoch[1:]
    ticks = (word[epoch] & np.uint32(2**_EPOCH_BITS - 1)).astype(np.int64) << _COARSE_BITS
    tick = np.repeat(ticks, n_edges_of_epoch)
    word = word[edge]
    tick += word & np.uint32(2**_COARSE_BITS - 1)
    code = (word >> np.uint32(_COARSE_BITS) & np.uint32(2**18 - 1)).astype(np.int64)

    found = np.flatnonzero((code < 2 * N_CODES) & (code & 1 == 1))[::-1]  # leading, channel 0
    reference = np.zeros(len(n_edges), np.int64)
    has_reference = np.zeros(len(n_edges), bool)
    row = np.searchsorted(np.cumsum(n_edges), found, side="right")
    reference[row] = found  # the first of each event, as above
    has_reference[row] = True
    if len(edge):
        tick -= np.repeat(tick[reference], n_edges)
    # The epoch counter wraps; the shorter way is the true one.
    tick += _HALF_TICKS
    tick &= 2 * _HALF_TICKS - 1
    tick -= _HALF_TICKS
    return Edges(
        n_edges=n_edges,
        coarse_ns=tick * float(COARSE_NS),
        code=code,
        has_reference=has_reference,
        reference_code=code[reference] if len(code) else reference,
    )


def _count_between(places: Integers, ends: Integers) -> Integers:
    """How many of the sorted ``places`` lie before each end and not before the end before it."""
    return np.diff(np.searchsorted(places, ends), prepend=0)
