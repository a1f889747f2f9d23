"""Putting together what was read of one file: blocks of events to Arrow tables, with counters that add up."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from extract.daq.block import BlockEvents, RejectRow
from extract.daq.bulk import Flags, Integers
from extract.daq.container import FileFacts
from extract.daq.counters import Counters, HldCounters
from extract.daq.duplicates import find_duplicates
from extract.daq.hits import build_hits, find_signals, row_hashes
from extract.daq.limits import Limits
from extract.daq.line import Reject
from extract.daq.lines import KEPT_BYTES
from extract.daq.name import RawName
from extract.daq.schema import RAW_EVENT, RAW_HIT, RAW_REJECT

_EPOCH = datetime(1970, 1, 1)
_INT32_MAX = 2**31 - 1
_NO_TIME = np.iinfo(np.int64).min
_ESCAPES = {code: f"\\x{code:02x}" for code in range(256) if not 0x20 <= code < 0x7F}


@dataclass(frozen=True)
class RawResult:
    """What a detector file holds.

    ``status`` is the word of `raw_file.status`, or ``bad_name`` or ``wrong_station``. ``events``, ``hits`` and
    ``rejects`` have the columns of their lake datasets. ``facts`` is None where the file was not opened; ``hld`` is
    None for text.
    """

    status: str
    name: RawName | None
    detail: str | None = None
    facts: FileFacts | None = None
    events: pa.Table = field(default_factory=RAW_EVENT.empty)
    hits: pa.Table = field(default_factory=RAW_HIT.empty)
    rejects: pa.Table = field(default_factory=RAW_REJECT.empty)
    counters: Counters = field(default_factory=Counters)
    param_hash: str | None = None
    first_event_time: datetime | None = None
    last_event_time: datetime | None = None
    hld: HldCounters | None = None


class Reading:
    """What was read so far of one file: arrays per block, put together at the end."""

    def __init__(self, name: RawName, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._counters = Counters()
        self._param_hash: str | None = None
        self._event_number: list[NDArray[np.int32]] = []
        self._seconds: list[Integers] = []
        self._trigger_type: list[NDArray[np.int8]] = []
        self._raw_tt: list[NDArray[np.int16]] = []
        self._n_hits: list[NDArray[np.int8]] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._recovery: dict[int, str] = {}
        self._hits: list[pa.RecordBatch] = []
        self._rejects: list[RejectRow] = []

    @property
    def n_lines(self) -> int:
        """Lines (HLD: numbered events) so far."""
        return self._counters.n_lines

    def reject_line(self, reject: Reject) -> None:
        """Note the next line as one that is rejected as a whole."""
        self._rejects.append(RejectRow(self.n_lines + 1, 0, reject))
        self._counters.n_lines += 1
        self._counters.add_rejects(self._rejects[-1:])

    def add(self, read: BlockEvents) -> None:
        """Add the events and rejects of a block."""
        signals = find_signals(read.values)
        hits = build_hits(self._name.file_id, read.event_number, read.values, signals)
        self._counters.add_block(read, signals, hits)
        self._event_number.append(read.event_number)
        self._seconds.append(read.seconds)
        self._trigger_type.append(read.trigger_type)
        self._raw_tt.append(signals.raw_tt)
        self._n_hits.append(signals.n_hits)
        self._hashes.append(row_hashes(read.seconds, read.trigger_type, read.values))
        self._recovery |= read.recovery
        self._hits.append(hits.batch)
        self._rejects += read.rejects
        self._param_hash = self._param_hash or read.param_hash

    def finish(self, facts: FileFacts | None, hld: HldCounters | None = None) -> RawResult:
        """Settle what needs the whole file (times, duplicates) and make the tables."""
        if not self._counters.n_events:
            self._counters.check(0, 0, len(self._rejects))
            rejects = _reject_table(self._name, self._rejects)
            return RawResult(
                "no_events",
                self._name,
                facts=facts,
                rejects=rejects,
                counters=self._counters,
                param_hash=self._param_hash,
                hld=hld,
            )
        seconds = np.concatenate(self._seconds)
        trigger_type = np.concatenate(self._trigger_type)
        n_hits = np.concatenate(self._n_hits)
        hits = pa.Table.from_batches(self._hits, schema=RAW_HIT.schema)
        is_duplicate = find_duplicates(np.concatenate(self._hashes), seconds, trigger_type, n_hits, hits)
        is_far, is_backwards = self._judge_times(seconds)
        self._counters.n_duplicate = int(np.count_nonzero(is_duplicate))
        events = pa.table(
            [
                pa.array(np.full(len(seconds), self._name.file_id, np.int64)),
                pa.array(np.concatenate(self._event_number)),
                pa.array(np.full(len(seconds), self._name.station_id, np.int8)),
                pa.array((seconds * 1_000_000).view("datetime64[us]")),
                pa.array(trigger_type),
                pa.array(np.concatenate(self._raw_tt)),
                pa.array(n_hits),
                self._recovery_column(len(seconds)),
                pa.array(is_duplicate),
                pa.array(is_backwards),
                pa.array(is_far),
            ],
            schema=RAW_EVENT.schema,
        )
        rejects = _reject_table(self._name, self._rejects)
        self._counters.check(len(events), len(hits), len(rejects))
        near = seconds[~is_far]
        return RawResult(
            "ok_with_rejects" if self._counters.n_rejects else "ok",
            self._name,
            facts=facts,
            events=events,
            hits=hits,
            rejects=rejects,
            counters=self._counters,
            param_hash=self._param_hash,
            first_event_time=_EPOCH + timedelta(seconds=int(near.min())) if len(near) else None,
            last_event_time=_EPOCH + timedelta(seconds=int(near.max())) if len(near) else None,
            hld=hld,
        )

    def _judge_times(self, seconds: Integers) -> tuple[Flags, Flags]:
        """Which events are far from the time in the name, and which are earlier than one before them; counts both."""
        start = int((self._name.start_time - _EPOCH).total_seconds())
        is_far = np.abs(seconds - start) > self._limits.max_time_from_name_s
        latest = np.maximum.accumulate(np.where(is_far, _NO_TIME, seconds))
        latest_before = np.concatenate([[_NO_TIME], latest[:-1]])
        is_backwards = seconds < latest_before
        self._counters.n_time_far = int(np.count_nonzero(is_far))
        self._counters.n_time_backwards = int(np.count_nonzero(is_backwards))
        steps = latest_before[is_backwards] - seconds[is_backwards]
        self._counters.max_backward_s = min(int(steps.max(initial=0)), _INT32_MAX)
        return is_far, is_backwards

    def _recovery_column(self, n_events: int) -> "pa.Array[Any]":
        if not self._recovery:
            return pa.nulls(n_events, pa.string())
        numbers = np.concatenate(self._event_number).tolist()
        return pa.array([self._recovery.get(number) for number in numbers], pa.string())


def _reject_table(name: RawName, rejects: list[RejectRow]) -> pa.Table:
    """Rows of `raw_reject`, in the order of the lines."""
    columns: dict[str, list[Any]] = {
        "file_id": [name.file_id] * len(rejects),
        "station_id": [name.station_id] * len(rejects),
        "line_number": [row.line_number for row in rejects],
        "fragment_number": [row.fragment_number for row in rejects],
        "is_fragment": [row.fragment_number > 0 for row in rejects],
        "reason": [row.reject.reason for row in rejects],
        "detail": [row.reject.detail for row in rejects],
        "n_tokens": [row.reject.n_tokens for row in rejects],
        "n_bytes": [row.reject.n_bytes for row in rejects],
        "line_text": [row.reject.text[:KEPT_BYTES].decode("latin-1").translate(_ESCAPES) for row in rejects],
    }
    return pa.table(columns, schema=RAW_REJECT.schema)
