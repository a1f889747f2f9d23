"""Detector text to Arrow tables: events, hits and rejects, with counters that add up."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from extract.daq.block import RejectRow, read_block
from extract.daq.bulk import Flags, Integers
from extract.daq.container import Content, FileFacts, open_content
from extract.daq.counters import Counters
from extract.daq.duplicates import find_duplicates
from extract.daq.hits import build_hits, find_signals, row_hashes
from extract.daq.limits import DEFAULT_LIMITS, Limits
from extract.daq.line import Reject
from extract.daq.lines import KEPT_BYTES, LongLine, line_blocks
from extract.daq.name import BadNameError, RawName, parse_name
from extract.daq.schema import RAW_EVENT, RAW_HIT, RAW_REJECT

BINARY_HEAD_BYTES = 65_536
MAX_BINARY_FRACTION = 0.3

_EPOCH = datetime(1970, 1, 1)
_INT32_MAX = 2**31 - 1
_NO_TIME = np.iinfo(np.int64).min
_TEXT_BYTES = bytes(range(0x20, 0x7F)) + b"\t\n\r\v\f"
_ESCAPES = {code: f"\\x{code:02x}" for code in range(256) if not 0x20 <= code < 0x7F}


@dataclass(frozen=True)
class RawResult:
    """What a detector file holds.

    ``status`` is the word of `raw_file.status`, or ``bad_name`` or ``wrong_station``. ``events``, ``hits`` and
    ``rejects`` have the columns of their lake datasets. ``facts`` is None where the file was not opened.
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


def parse_dat(
    path: Path, expected_station: int | None = None, *, limits: Limits = DEFAULT_LIMITS, use_bulk: bool = True
) -> RawResult:
    """Read a detector text file, plain or compressed.

    Parameters
    ----------
    expected_station
        The station the file must belong to by its name; None to accept any.
    use_bulk
        False reads every line by the careful path; the result is the same.

    Raises
    ------
    OSError
        When the operating system cannot read the file; never because of what is in it.
    """
    try:
        name = parse_name(path.name)
    except BadNameError as error:
        return RawResult("bad_name", None, str(error))
    if name.kind == "hld":
        return RawResult("bad_name", name, f"{name.file_name} is not a text file")
    if expected_station is not None and name.station_id != expected_station:
        return RawResult("wrong_station", name, f"{name.file_name} is of station {name.station_id}")
    return parse_content(open_content(path, name, limits), use_bulk=use_bulk)


def parse_content(content: Content, *, use_bulk: bool = True) -> RawResult:
    """Read the text of a landing file that was opened."""
    if content.status:
        return RawResult(content.status, content.name, content.detail, content.facts)
    if content.kind != "dat":
        return RawResult("bad_container", content.name, "the archive holds an HLD file", content.facts)
    status = refuse_content(content.head(BINARY_HEAD_BYTES))
    if status:
        return RawResult(status, content.name, facts=content.facts)
    return parse_segments(content.segments(), content.name, content.facts, limits=content.limits, use_bulk=use_bulk)


def parse_bytes(content: bytes, name: RawName, *, limits: Limits = DEFAULT_LIMITS, use_bulk: bool = True) -> RawResult:
    """Read detector text already in memory; the file-level facts are left out."""
    status = refuse_content(content[:BINARY_HEAD_BYTES])
    if status:
        return RawResult(status, name)
    return parse_segments([content], name, limits=limits, use_bulk=use_bulk)


def refuse_content(head: bytes) -> str | None:
    """``empty_file`` or ``binary_file`` by the first bytes of a content, None for text."""
    if not head:
        return "empty_file"
    n_binary = len(head.translate(None, _TEXT_BYTES))
    return "binary_file" if n_binary > MAX_BINARY_FRACTION * len(head) else None


def parse_segments(
    segments: Iterable[bytes],
    name: RawName,
    facts: FileFacts | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    use_bulk: bool = True,
) -> RawResult:
    """Read text that comes in segments of any size; line breaks need not fall on their borders."""
    reading = _Reading(name, limits, use_bulk)
    for block in line_blocks(segments, limits.max_line_bytes):
        reading.add(block)
    return reading.finish(facts)


class _Reading:
    """What was read so far of one file: arrays per block, put together at the end."""

    def __init__(self, name: RawName, limits: Limits, use_bulk: bool) -> None:
        self._name, self._limits, self._use_bulk = name, limits, use_bulk
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

    def add(self, block: memoryview | LongLine) -> None:
        """Read a block of whole lines, or note a line that is too long."""
        next_line = self._counters.n_lines + 1
        if isinstance(block, LongLine):
            reject = Reject(block.head, "over_long_line", f"{block.n_bytes} bytes", block.n_bytes, block.n_tokens)
            self._rejects.append(RejectRow(next_line, 0, reject))
            self._counters.n_lines += 1
            self._counters.add_rejects(self._rejects[-1:])
            return
        read = read_block(block, next_line, self._limits.max_line_bytes, self._use_bulk)
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

    def finish(self, facts: FileFacts | None) -> RawResult:
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
