"""The TDC data of the events of a batch: where they stand, and the first edges of each channel.

Nothing here knows how long a fine-time code is; see `limits` for that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extract.daq.bulk import Flags, Integers
from extract.daq.hld.words import WORD_BYTES, Words
from extract.daq.schema import COLUMN_MAP, N_HEADER_COLUMNS

N_CHANNELS = 33
"""Channel 0 is the reference, 1..32 are the strip ends."""

N_CODES = 1024
"""Values of the fine-time field."""

COARSE_NS = 5
"""Length of a step of the coarse counter, ns."""

MAX_SUBEVENTS = 64
"""Sub-events looked at in one event to find ours."""

_OUR_ID, _SECOND_ID = 0xC001, 0xC002
_SUBEVENT_DECODING = 0x0002
_SUBEVENT_WORDS = 4
_HEADER, _EPOCH, _TIME = 1, 3, 4
_EPOCH_BITS, _COARSE_BITS = 28, 11
_REFERENCE, _REFERENCE_TRAILING, _N_SLOTS = 64, 65, 66


def _slots() -> Integers:
    """For channel times 2 plus edge (1 leading): its column in the row, or what it is in channel 0."""
    slots = np.zeros(2 * N_CHANNELS, np.int64)
    slots[:2] = _REFERENCE_TRAILING, _REFERENCE
    for column in COLUMN_MAP:
        slots[2 * column.tdc_channel + (column.quantity == "T")] = column.column_index - N_HEADER_COLUMNS
    return slots


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
    """The first leading and trailing edges of the events of a batch that have a reference time.

    Attributes
    ----------
    has_reference
        Which events of the batch have a leading edge in channel 0, (n,).
    row, column
        Event of the batch and column (0..63 in file order) of each edge, (m,): leading edges in the columns of times,
        trailing edges in those of charges.
    steps
        Steps of 5 ns after the reference edge, int64 (m,).
    code, reference_code
        Channel times `N_CODES` plus fine code: of each edge (m,); of the reference edge of each event (n,).
    n_by_code
        Count of all edges of the batch, first or not, by edge (0 trailing), channel and fine code, (2, 33, 1024).
    """

    has_reference: Flags
    row: Integers
    column: Integers
    steps: Integers
    code: Integers
    reference_code: Integers
    n_by_code: Integers


def read_edges(words: Words, data: TdcData) -> Edges:
    """Read the TDC words of the events of a batch."""
    n_events = len(data.place)
    row, word, epoch = _time_words(words, data)
    is_leading = word >> 11 & 1
    code = word >> 12 & (2**17 - 1)
    n_by_code = np.bincount(is_leading * (N_CHANNELS * N_CODES) + code, minlength=2 * N_CHANNELS * N_CODES)
    slot = _SLOT[(code >> 10) * 2 + is_leading]
    cell = row * _N_SLOTS + slot
    order = np.arange(len(cell))
    first_of_cell = np.empty(n_events * _N_SLOTS, np.int64)
    first_of_cell[cell[::-1]] = order[::-1]  # of equal cells the last assignment stays: the first edge
    is_first = first_of_cell[cell] == order

    reference = np.zeros(n_events, np.int64)
    has_reference = np.zeros(n_events, bool)
    found = np.flatnonzero(is_first & (slot == _REFERENCE))
    reference[row[found]] = found
    has_reference[row[found]] = True
    kept = np.flatnonzero(is_first & (slot < _REFERENCE) & has_reference[row])
    row, reference_of = row[kept], reference[row[kept]]
    epochs = epoch[kept] - epoch[reference_of]
    epochs = (epochs + 2 ** (_EPOCH_BITS - 1) & 2**_EPOCH_BITS - 1) - 2 ** (_EPOCH_BITS - 1)
    coarse = (word[kept] & 2**_COARSE_BITS - 1) - (word[reference_of] & 2**_COARSE_BITS - 1)
    return Edges(
        has_reference=has_reference,
        row=row,
        column=slot[kept],
        steps=(epochs << _COARSE_BITS) + coarse,
        code=code[kept],
        reference_code=code[reference] if len(code) else reference,
        n_by_code=n_by_code.reshape(2, N_CHANNELS, N_CODES),
    )


def _time_words(words: Words, data: TdcData) -> tuple[Integers, Integers, Integers]:
    """Event, word and epoch of all edges in channels 0..32; edges of fine code 0 do not exist."""
    row, place = _ragged(data.place, data.end - data.place)
    word = words.raw.take(place)
    word = word.byteswap() if data.is_big[data.is_found].all() else np.where(data.is_big[row], word.byteswap(), word)
    is_epoch = word >> np.uint32(29) == _EPOCH
    # A time word below this value is one of channels 0..32.
    offset = word - np.uint32(_TIME << 29)
    edge = np.flatnonzero((offset < N_CHANNELS << 22) & (word & np.uint32(0x003FF000) != 0))
    # The data of every event begin with an epoch word, so that the last one before an edge is of its own event.
    epochs = (word[is_epoch] & np.uint32(2**_EPOCH_BITS - 1)).astype(np.int64)
    epoch = epochs[np.cumsum(is_epoch)[edge] - 1]
    return row[edge], word[edge].astype(np.int64), epoch
