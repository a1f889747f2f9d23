"""One block of whole lines to events and rejects, the healthy lines by the bulk path, the others one by one."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from extract.daq.bulk import LAYOUTS, Bytes, Flags, Floats, Integers, Layout, read_rows
from extract.daq.line import Comment, Event, Recovered, Reject, parse_line
from extract.daq.schema import N_VALUES

_LF = 10


class RejectRow(NamedTuple):
    """A rejected line (fragment 0) or a piece of a recovered line (fragments from 1)."""

    line_number: int
    fragment_number: int
    reject: Reject


@dataclass
class BlockEvents:
    """What one block of lines holds.

    ``event_number`` int32 (n,), ``seconds`` int64 (n,) since 1970, ``trigger_type`` int8 (n,), ``values`` float32
    (n, 64) in file order, in the order of the lines; ``recovery`` by event number.
    """

    n_lines: int
    event_number: NDArray[np.int32]
    seconds: Integers
    trigger_type: NDArray[np.int8]
    values: Floats
    recovery: dict[int, str] = field(default_factory=dict)
    rejects: list[RejectRow] = field(default_factory=list)
    n_comments: int = 0
    param_hash: str | None = None


def read_block(block: memoryview, first_line: int, max_line_bytes: int, use_bulk: bool = True) -> BlockEvents:
    """Read a block of whole lines, the first of which has the number ``first_line``."""
    content = np.frombuffer(block, np.uint8)
    if use_bulk:
        for layout in LAYOUTS:
            whole = _read_uniform(content, layout, first_line)
            if whole is not None:
                return whole
    ends = np.flatnonzero(content == _LF)
    if content[-1] != _LF:
        ends = np.append(ends, len(content))
    starts = np.concatenate([[0], ends[:-1] + 1])
    result = _Mixed(len(ends))
    if use_bulk:
        for layout in LAYOUTS:
            result.add_bulk(content, starts, ends, layout)
    return result.finish(block, starts, ends, first_line, max_line_bytes)


def _read_uniform(content: Bytes, layout: Layout, first_line: int) -> BlockEvents | None:
    """The whole block as a matrix when all its lines are healthy lines of one layout, else None."""
    n_lines, rest = divmod(len(content), layout.line_bytes)
    if rest or (content[layout.line_bytes - 1 :: layout.line_bytes] != _LF).any():
        return None
    rows = read_rows(content.reshape(n_lines, layout.line_bytes), layout)
    if not rows.is_healthy.all():
        return None
    numbers = np.arange(first_line, first_line + n_lines, dtype=np.int32)
    return BlockEvents(n_lines, numbers, rows.seconds, rows.trigger_type, rows.values)


class _Mixed:
    """Lines of a block, each with its event once it has one."""

    def __init__(self, n_lines: int) -> None:
        self.is_event: Flags = np.zeros(n_lines, bool)
        self.seconds: Integers = np.zeros(n_lines, np.int64)
        self.trigger_type = np.zeros(n_lines, np.int8)
        self.values: Floats = np.zeros((n_lines, N_VALUES), np.float32)

    def add_bulk(self, content: Bytes, starts: Integers, ends: Integers, layout: Layout) -> None:
        """Read the lines that have the length of ``layout``, and keep those that are healthy."""
        lines = np.flatnonzero((ends - starts == layout.line_bytes - 1) & (ends < len(content)))
        if not len(lines):
            return
        rows = read_rows(sliding_window_view(content, layout.line_bytes)[starts[lines]], layout)
        lines = lines[rows.is_healthy]
        self.is_event[lines] = True
        self.seconds[lines] = rows.seconds[rows.is_healthy]
        self.trigger_type[lines] = rows.trigger_type[rows.is_healthy]
        self.values[lines] = rows.values[rows.is_healthy]

    def add_event(self, index: int, event: Event) -> None:
        """Put an event of the careful path in its place."""
        self.is_event[index] = True
        self.seconds[index] = event.seconds
        self.trigger_type[index] = event.trigger_type
        self.values[index] = event.values

    def finish(
        self, block: memoryview, starts: Integers, ends: Integers, first_line: int, max_line_bytes: int
    ) -> BlockEvents:
        """Read the remaining lines one by one and put everything together in the order of the lines."""
        recovery: dict[int, str] = {}
        rejects: list[RejectRow] = []
        comments: list[Comment] = []
        for index in np.flatnonzero(~self.is_event).tolist():
            number = first_line + index
            outcome = parse_line(bytes(block[starts[index] : ends[index]]), max_line_bytes)
            if isinstance(outcome, Recovered):
                rejects += [RejectRow(number, k, piece) for k, piece in enumerate(outcome.fragments, start=1)]
                outcome = outcome.event
            if isinstance(outcome, Event):
                self.add_event(index, outcome)
                if outcome.recovery:
                    recovery[number] = outcome.recovery
            elif isinstance(outcome, Reject):
                rejects.append(RejectRow(number, 0, outcome))
            else:
                comments.append(outcome)
        lines = np.flatnonzero(self.is_event)
        hashes = [comment.param_hash for comment in comments if comment.param_hash]
        return BlockEvents(
            n_lines=len(starts),
            event_number=(lines + first_line).astype(np.int32),
            seconds=self.seconds[lines],
            trigger_type=self.trigger_type[lines],
            values=self.values[lines],
            recovery=recovery,
            rejects=rejects,
            n_comments=len(comments),
            param_hash=hashes[0] if hashes else None,
        )
