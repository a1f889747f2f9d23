"""HLD of simulated events: the event builder's binary, with the values its TDC words really hold.

A TDC counts steps of 5 ns and a fine time below, so that it cannot hold any value: `render_hld` gives the values after
this rounding beside the bytes. The text of these values and the HLD are the same events in two forms.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extract.daq.schema import COLUMN_MAP, N_HEADER_COLUMNS
from simulate.response import TICKS_PER_NS

N_CHANNELS = 33
_STEP_NS = 5.0
_EPOCH_STEPS = 2048
_N_EPOCHS = 1 << 28
_HEADER_WORDS, _SUBEVENT_WORDS, _TRAILER = 8, 4, (0x00015555, 0x00000001)
_OUR_ID = 0xC001
_RUN_ZERO_S = 1_200_000_000
_COLUMN_OF = {(c.tdc_channel, c.quantity): c.column_index - N_HEADER_COLUMNS for c in COLUMN_MAP}
_LEADING_COLUMN = np.array([_COLUMN_OF[channel, "T"] for channel in range(1, N_CHANNELS)])
_TRAILING_COLUMN = np.array([_COLUMN_OF[channel, "Q"] for channel in range(1, N_CHANNELS)])

Integers = NDArray[np.int64]


def _limits(value: int) -> Integers:
    """Limits that differ by a few codes from channel to channel, channel 0 in the middle."""
    return value + (np.arange(N_CHANNELS) + 1) % 3 - 1


@dataclass(frozen=True)
class HldFormat:
    """How the file looks.

    Attributes
    ----------
    fine_low, fine_high
        Fine codes at the end and the beginning of a step of each channel, (33,).
    n_trigger_words
        Words of the trigger system before the TDC header, of random content.
    has_second_word
        Whether the word 0x0000C002 stands before the data.
    has_run_start
        Whether a run start record comes first.
    empty_every
        An empty event follows every so many events; 0 for none.
    first_epoch
        Epoch counter at the first event; it wraps at 2^28.
    """

    fine_low: Integers = field(default_factory=lambda: _limits(19))
    fine_high: Integers = field(default_factory=lambda: _limits(479))
    n_trigger_words: int = 13
    has_second_word: bool = False
    has_run_start: bool = True
    empty_every: int = 0
    first_epoch: int = _N_EPOCHS - 100


@dataclass(frozen=True)
class Hld:
    """An HLD content and the values of its events, int32 (n, 64) in units of 0.0001 ns as in the text."""

    content: bytes
    values: NDArray[np.int32]


def render_hld(
    rng: np.random.Generator,
    time_s: Integers,
    trigger: Integers,
    values: NDArray[np.int32],
    form: HldFormat | None = None,
) -> Hld:
    """Write events as HLD.

    Parameters
    ----------
    time_s, trigger
        Unix seconds and trigger type (1 or 2) of each event, (n,).
    values
        As in `response.make_values`, (n, 64). A charge equal to minus its time, or one without a time, is written with
        one edge only.
    """
    form = form or HldFormat()
    edges = _digitise(rng, values, form)
    return Hld(_assemble(rng, time_s, trigger, edges, form), edges.values)


@dataclass(frozen=True)
class _Edges:
    """Edges in the order of the file: event, epoch and TDC word without its type; and the values they stand for."""

    event: Integers
    epoch: Integers
    word: Integers
    values: NDArray[np.int32]


def _digitise(rng: np.random.Generator, values: NDArray[np.int32], form: HldFormat) -> _Edges:
    """Edges of each event, the reference first, then by channel, leading before trailing."""
    n_events = len(values)
    width = (form.fine_high - form.fine_low).astype(np.float64)
    leading_ticks, charge_ticks = values[:, _LEADING_COLUMN], values[:, _TRAILING_COLUMN]
    has_leading = leading_ticks != 0
    has_trailing = np.where(has_leading, charge_ticks != -leading_ticks, charge_ticks != 0)

    reference_step = rng.integers(_EPOCH_STEPS, size=n_events)
    reference_code = rng.integers(form.fine_low[0], form.fine_high[0] + 1, size=n_events)
    reference_ns = -(reference_code - form.fine_low[0]) * _STEP_NS / width[0]

    times = np.stack([leading_ticks, leading_ticks + charge_ticks], axis=2) / TICKS_PER_NS  # event, channel, edge
    after_step = times + reference_ns[:, None, None]
    steps = np.ceil(after_step / _STEP_NS)
    share = (steps * _STEP_NS - after_step) / _STEP_NS
    codes = form.fine_low[1:, None] + np.rint(share * width[1:, None]).astype(np.int64)
    written = steps * _STEP_NS - (codes - form.fine_low[1:, None]) * _STEP_NS / width[1:, None]
    written -= reference_ns[:, None, None]

    leading = np.where(has_leading, written[:, :, 0], 0.0)
    charge = np.where(has_trailing, written[:, :, 1] - leading, np.where(has_leading, -leading, 0.0))
    result = np.zeros_like(values)
    result[:, _LEADING_COLUMN] = np.rint(leading * TICKS_PER_NS)
    result[:, _TRAILING_COLUMN] = np.rint(charge * TICKS_PER_NS)

    exists = np.stack([has_leading, has_trailing], axis=2).reshape(n_events, -1)
    exists = np.concatenate([np.ones((n_events, 1), bool), exists], axis=1)
    all_steps = np.concatenate([np.zeros((n_events, 1)), steps.reshape(n_events, -1)], axis=1).astype(np.int64)
    all_codes = np.concatenate([reference_code[:, None], codes.reshape(n_events, -1)], axis=1)
    channel = np.concatenate([[0], np.repeat(np.arange(1, N_CHANNELS), 2)])
    is_leading = np.concatenate([[1], np.tile([1, 0], N_CHANNELS - 1)])
    event, slot = np.nonzero(exists)
    step = reference_step[event] + all_steps[event, slot]
    epoch = (form.first_epoch + event + step // _EPOCH_STEPS) % _N_EPOCHS
    word = channel[slot] << 22 | all_codes[event, slot] << 12 | is_leading[slot] << 11 | step % _EPOCH_STEPS
    return _Edges(event, epoch, word, result)


def _assemble(rng: np.random.Generator, time_s: Integers, trigger: Integers, edges: _Edges, form: HldFormat) -> bytes:
    """All records of a file one behind the other."""
    n_events = len(time_s)
    is_first = np.ones(len(edges.event), bool)
    is_first[1:] = edges.event[1:] != edges.event[:-1]
    needs_epoch = is_first.copy()
    needs_epoch[1:] |= edges.epoch[1:] != edges.epoch[:-1]
    n_data = np.bincount(edges.event, weights=1 + needs_epoch, minlength=n_events).astype(np.int64)
    n_before = _HEADER_WORDS + _SUBEVENT_WORDS + form.has_second_word + 1 + form.n_trigger_words + 1
    n_words = n_before + n_data + len(_TRAILER)

    n_run = _HEADER_WORDS if form.has_run_start else 0
    n_gap = np.zeros(n_events, np.int64)
    if form.empty_every:
        n_gap[form.empty_every - 1 :: form.empty_every] = _HEADER_WORDS + _SUBEVENT_WORDS
    n_padded = n_words + n_words % 2
    begin = n_run + np.concatenate([[0], np.cumsum(n_padded + n_gap)])
    out = np.zeros(int(begin[-1]), ">u4")
    calendar = _calendar(time_s)
    run = np.int64(time_s[0] - _RUN_ZERO_S) if n_events else np.int64(0)
    if n_run:
        first = calendar[:1] if n_events else np.zeros((1, 2), np.int64)
        _write_headers(out, np.zeros(1, np.int64), np.array([4 * n_run]), np.array([0x00010002]), first, run)

    place = begin[:-1]
    _write_headers(out, place, 4 * n_words, 0x2000 | trigger, calendar, run)
    _write_subevents(out, place, n_words - _HEADER_WORDS, trigger)
    at = place + _HEADER_WORDS + _SUBEVENT_WORDS
    if form.has_second_word:
        out[at] = 0x0000C002
        at = at + 1
    out[at] = (form.n_trigger_words + 1 + n_data) << 16 | _OUR_ID
    trigger_words = rng.integers(1 << 32, size=(n_events, form.n_trigger_words))
    out[at[:, None] + 1 + np.arange(form.n_trigger_words)] = trigger_words
    out[at + 1 + form.n_trigger_words] = 1 << 29 | 0x01C30002
    data = at + 2 + form.n_trigger_words
    last = np.cumsum(1 + needs_epoch) - 1  # place of each edge among all data words
    before = np.cumsum(n_data) - n_data
    edge_place = data[edges.event] + last - before[edges.event]
    out[edge_place] = 4 << 29 | edges.word
    out[edge_place[needs_epoch] - 1] = 3 << 29 | edges.epoch[needs_epoch]
    out[data + n_data], out[data + n_data + 1] = _TRAILER

    empty = np.flatnonzero(n_gap)
    empty_place = place[empty] + n_padded[empty]
    size = np.full(len(empty), 4 * (_HEADER_WORDS + _SUBEVENT_WORDS))
    _write_headers(out, empty_place, size, 0x2000 | trigger[empty], calendar[empty], run)
    _write_subevents(out, empty_place, np.full(len(empty), _SUBEVENT_WORDS), trigger[empty])
    return out.tobytes()


def _calendar(time_s: Integers) -> Integers:
    """Date and time words of Unix seconds, (n, 2)."""
    day = time_s.astype("datetime64[s]").astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    year = month.astype("datetime64[Y]")
    date = (
        (year.astype(np.int64) + 70) << 16 | (month - year).astype(np.int64) << 8 | (day - month).astype(np.int64) + 1
    )
    second = time_s % 86_400
    return np.stack([date, second // 3600 << 16 | second // 60 % 60 << 8 | second % 60], axis=1)


def _write_headers(
    out: NDArray[np.uint32], place: Integers, size: Integers, kind: Integers, calendar: Integers, run: np.int64
) -> None:
    """Event headers, little-endian in a big-endian array."""
    header = np.zeros((len(place), _HEADER_WORDS), np.uint32)
    header[:, 0], header[:, 1], header[:, 2] = size, 0x00030001, kind
    header[:, 3] = np.arange(1, len(place) + 1)
    header[:, 4:6], header[:, 6] = calendar, run
    out[place[:, None] + np.arange(_HEADER_WORDS)] = header.byteswap()


def _write_subevents(out: NDArray[np.uint32], place: Integers, n_words: Integers, trigger: Integers) -> None:
    at = place + _HEADER_WORDS
    out[at], out[at + 1], out[at + 2] = 4 * n_words, 0x00020001 | trigger << 4, _OUR_ID
    out[at + 3] = np.arange(1, len(place) + 1)
