"""A batch of HLD events: headers, edges and rejects as whole numbers, and from these the values of the rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extract.daq.block import RejectRow
from extract.daq.bulk import Flags, Floats, Integers
from extract.daq.hld.tdc import Edges, TdcData, find_tdc_data, read_edges
from extract.daq.hld.walk import HEADER_WORDS, Walk
from extract.daq.hld.words import WORD_BYTES, Words, Words32
from extract.daq.line import Reject
from extract.daq.schema import N_VALUES

_DECIMALS = 1e4  # of the station's text: 0.0001 ns
_TYPE_MASK = 15


@dataclass
class Batch:
    """Consecutive events as whole numbers.

    ``event_number``, ``seconds`` since 1970 and ``trigger_type`` are of the accepted events (n,); ``is_event`` says
    which of the ``n_lines`` events these are, ``edges`` counts its rows over all of them. The others are ``rejects``.
    """

    n_lines: int
    event_number: NDArray[np.int32]
    seconds: Integers
    trigger_type: NDArray[np.int8]
    edges: Edges
    is_event: Flags
    rejects: list[RejectRow]
    n_other_offset: int
    n_type_mismatch: int

    def decimals(self, fine_ns: NDArray[np.float64]) -> NDArray[np.float64]:
        """The 64 values of each accepted event in units of 0.0001 ns, whole numbers (n, 64); ``fine_ns`` by edge code.

        A time is that of the leading edge after the reference, a charge the trailing edge after the leading one. A
        missing leading edge counts as 0 and a missing trailing edge leaves minus the time, as the station writes it.
        """
        times = self.edges.first_times_ns(fine_ns)[:, :N_VALUES]
        sides = times.reshape(-1, 4, 2, 8)  # plane, quantity, end and strip
        sides[:, :, 1] -= sides[:, :, 0]
        decimals = times * _DECIMALS
        np.rint(decimals, out=decimals)
        decimals += 0.0  # minus zero is zero
        return decimals if self.is_event.all() else decimals[self.is_event]

    def values(self, fine_ns: NDArray[np.float64]) -> Floats:
        """The values as the text has them, float32 (n, 64) ns; see `decimals`."""
        values = self.decimals(fine_ns)
        values /= _DECIMALS
        return values.astype(np.float32)


def decode_batch(words: Words, events: Walk, chosen: slice, cts_words: int) -> Batch:
    """Read the events of ``chosen``, a slice of all events of the file."""
    place, end, is_big = events.place[chosen], events.end[chosen], events.is_big[chosen]
    data = find_tdc_data(words, place + HEADER_WORDS, end, cts_words)
    edges = read_edges(words, data)
    seconds, is_date = read_calendar(words.read(place + 4, is_big), words.read(place + 5, is_big))
    trigger_type = (events.id[chosen] & _TYPE_MASK).astype(np.int8)
    is_event = edges.has_reference & is_date
    number = np.arange(len(place)) + (chosen.start + 1)
    rejects = []
    for k in np.flatnonzero(~is_event).tolist():
        reason, detail = _why(data, edges, k)
        n_bytes = int(events.size[chosen][k])
        text = words.dump(int(place[k]), n_bytes // WORD_BYTES)
        rejects.append(RejectRow(int(number[k]), 0, Reject(text, reason, detail, n_bytes, n_bytes // WORD_BYTES)))
    return Batch(
        n_lines=len(place),
        event_number=number[is_event].astype(np.int32),
        seconds=seconds[is_event],
        trigger_type=trigger_type[is_event],
        edges=edges,
        is_event=is_event,
        rejects=rejects,
        n_other_offset=data.n_other_offset,
        n_type_mismatch=int(np.count_nonzero(data.is_ours & (data.trigger_type != trigger_type))),
    )


def _why(data: TdcData, edges: Edges, row: int) -> tuple[str, str]:
    """Reason and detail of an event that is rejected."""
    if not data.is_ours[row]:
        return "no_tdc_header", "no sub-event 0000c001"
    if not data.is_found[row]:
        return "no_tdc_header", "no TDC header before an epoch word"
    if not edges.has_reference[row]:
        return "no_reference_time", "no leading edge in channel 0"
    return "bad_date", "the header has no date and time of 2000 to 2099"


def cut_event(words: Words, place: int) -> Reject:
    """The event at ``place``, which the end of the file cuts."""
    n_bytes = words.n_bytes - place * WORD_BYTES
    n_words = n_bytes // WORD_BYTES
    return Reject(words.dump(place, n_words), "hld_truncated", f"{n_bytes} bytes are left of it", n_bytes, n_words)


def read_calendar(date: Words32, time: Words32) -> tuple[Integers, Flags]:
    """Seconds since 1970, UTC, of the date and time words of event headers (n,), and whether they are real.

    Dates hold year - 1900, month - 1 and day, times hour, minute and second, eight bits each from the end.
    """
    year, month, day = (date >> np.uint32(16)).astype(np.int64) + 1900, date >> 8 & 255, date & 255
    hour, minute, second = time >> np.uint32(16), time >> 8 & 255, time & 255
    is_real = (year >= 2000) & (year <= 2099) & (month <= 11) & (hour <= 23) & (minute <= 59) & (second <= 59)
    months = np.where(is_real, (year - 1970) * 12 + month, 0).astype("datetime64[M]")
    first_day = months.astype("datetime64[D]")
    n_days = ((months + 1).astype("datetime64[D]") - first_day).astype(np.int64)
    is_real &= (day >= 1) & (day <= n_days)
    days = first_day.astype(np.int64) + day.astype(np.int64) - 1
    seconds = days * 86_400 + hour.astype(np.int64) * 3600 + minute.astype(np.int64) * 60 + second
    return np.where(is_real, seconds, 0), is_real
