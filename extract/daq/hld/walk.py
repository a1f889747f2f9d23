"""From event header to event header to the exact end of the file, over damaged stretches too.

Positions are in words. Every place that may be a header is found at once. In a healthy file each event points to the
next, so that the walk itself takes one step per break of this chain, not per event.
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from extract.daq.bulk import Flags, Integers
from extract.daq.hld.words import BATCH_WORDS, WORD_BYTES, Words, Words32

COINCIDENCE_ID, SELF_TRIGGER_ID = 0x2001, 0x2002
HEADER_WORDS = 8
MAX_EMPTY_BYTES = 32 * WORD_BYTES
"""Events up to this size hold no data; the stations do not export them."""

_DECODING = 0x0003
_DECODING_SWAPPED = 0x0300


@dataclass(frozen=True)
class Walk:
    """The events of a file that have a number, in file order, and counts of what has none.

    ``place`` and ``end`` int64 (n,) in words; ``is_big`` the byte order of each header; ``id`` and ``size`` (bytes) of
    each. ``cut`` is the place of one more event, which the end of the file cuts; None where there is none.
    ``has_headers`` is false where no word of the file looks like one.
    """

    place: Integers
    end: Integers
    is_big: Flags
    id: NDArray[np.uint32]
    size: Integers
    cut: int | None
    n_empty: int
    n_other_id: int
    n_resync: int
    has_headers: bool

    def __len__(self) -> int:
        return len(self.place)


class _Headers:
    """Every place with the decoding word of an event header in its second word, in file order."""

    def __init__(self, words: Words) -> None:
        blocks = range(0, words.n_words, BATCH_WORDS)
        decoding = [np.flatnonzero(_is_decoding(words.raw[at : at + BATCH_WORDS])) + at for at in blocks]
        second = np.concatenate([np.zeros(0, np.int64), *decoding])
        self.place: Integers = second[second > 0] - 1
        self.is_big: Flags = words.raw.take(self.place + 1) >> np.uint32(16) != _DECODING
        self.size: Integers = words.read(self.place, self.is_big).astype(np.int64)
        self.id = words.read(self.place + 2, self.is_big)
        self.next: Integers = self.place + (self.size + 7) // 8 * 2
        self.end: Integers = self.place + self.size // WORD_BYTES
        self.is_event: Flags = (self.id == COINCIDENCE_ID) | (self.id == SELF_TRIGGER_ID)
        is_long_enough = self.size >= HEADER_WORDS * WORD_BYTES
        fits = self.place * WORD_BYTES + self.size <= words.n_bytes
        self.is_valid: Flags = is_long_enough & fits
        self.is_cut: Flags = is_long_enough & ~fits

    def __len__(self) -> int:
        return len(self.place)

    def index_at(self, place: int) -> int | None:
        """The header that begins at ``place``."""
        index = int(np.searchsorted(self.place, place))
        return index if index < len(self) and self.place[index] == place else None


def _is_decoding(raw: Words32) -> Flags:
    """Which words are the decoding word of an event header, in either byte order."""
    is_little = raw ^ np.uint32(_DECODING << 16) <= np.uint32(0xFFFF)
    is_little |= raw & np.uint32(0xFFFF) == _DECODING_SWAPPED
    return is_little


def walk(words: Words) -> Walk:
    """Walk over all events of a file; see `Walk`.

    Where no valid header follows, the size of the last one may be as wrong as what follows it, so that the search for
    the next event goes through the last one too; what it finds ends the last one.
    """
    headers = _Headers(words)
    is_taken, position, n_resync = _follow(headers, words.n_words)
    rest = _Rest.NOTHING if position * WORD_BYTES >= words.n_bytes else _judge_rest(headers, words, position)
    is_event = is_taken & headers.is_event
    is_empty = is_event & (headers.size <= MAX_EMPTY_BYTES)
    chosen = np.flatnonzero(is_event & ~is_empty)
    return Walk(
        place=headers.place[chosen],
        end=headers.end[chosen],
        is_big=headers.is_big[chosen],
        id=headers.id[chosen],
        size=headers.size[chosen],
        cut=position if rest is _Rest.EVENT else None,
        n_empty=int(np.count_nonzero(is_empty)) + (rest is _Rest.EMPTY),
        n_other_id=int(np.count_nonzero(is_taken & ~headers.is_event)) + (rest is _Rest.OTHER),
        n_resync=n_resync + (rest is _Rest.UNKNOWN),
        has_headers=len(headers) > 0,
    )


class _Rest(Enum):
    """What stands between the last whole record and the end of the file."""

    NOTHING = auto()
    EVENT = auto()
    EMPTY = auto()
    OTHER = auto()
    UNKNOWN = auto()


def _judge_rest(headers: _Headers, words: Words, position: int) -> _Rest:
    n_bytes = words.n_bytes - position * WORD_BYTES
    if n_bytes < 2 * WORD_BYTES:
        return _Rest.EVENT if any(words.tail(position)) else _Rest.NOTHING
    index = headers.index_at(position)
    if index is None or not headers.is_cut[index]:
        return _Rest.UNKNOWN
    if n_bytes >= 3 * WORD_BYTES and not headers.is_event[index]:
        return _Rest.OTHER
    return _Rest.EMPTY if headers.size[index] <= MAX_EMPTY_BYTES else _Rest.EVENT


def _follow(headers: _Headers, n_words: int) -> tuple[Flags, int, int]:
    """Which headers are walked over, where the walk ends, and how often the next header had to be searched."""
    is_taken = np.zeros(len(headers), bool)
    events = np.flatnonzero(headers.is_valid & headers.is_event)
    # The runs of events that follow each other without anything between end at these of them.
    run_ends = np.flatnonzero(headers.next[events][:-1] != headers.place[events][1:])
    run_ends = np.append(run_ends, len(events) - 1)
    last, position, n_resync = -1, 0, 0
    while position < n_words:
        index = headers.index_at(position)
        if index is None or not headers.is_valid[index]:
            following = events[np.searchsorted(events, last, side="right") :]
            if not len(following):
                break
            n_resync += 1
            index = int(following[0])
            if last >= 0:
                headers.end[last] = headers.place[index]
        if headers.is_event[index]:
            first = int(np.searchsorted(events, index))
            run = events[first : int(run_ends[np.searchsorted(run_ends, first)]) + 1]
        else:
            run = np.array([index])
        is_taken[run] = True
        last = int(run[-1])
        position = int(headers.next[last])
    return is_taken, position, n_resync
