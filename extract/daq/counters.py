"""Counters of one file, and the balance they must keep."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import numpy as np

from extract.daq.block import BlockEvents, RejectRow
from extract.daq.hits import TOPOLOGY_OF_CODE, Hits, Signals
from extract.daq.schema import HLD_REJECT_REASONS, N_VALUES, RAW_TT

_RECOVERIES = {"glued_negative": "glued", "x_prefix": "x_prefix", "x_joined": "x_joined"}


class BalanceError(AssertionError):
    """Counters that do not add up: a program error, never a fault of the data."""


@dataclass
class HldCounters:
    """The columns of `raw_file` that only an HLD file has."""

    n_hld_empty: int = 0
    n_hld_other_id: int = 0
    n_hld_resync: int = 0
    n_hld_other_offset: int = 0
    n_hld_type_mismatch: int = 0
    n_hld_fine_over: int = 0
    hld_limits_source: str | None = None
    detail_hld: str | None = None


@dataclass
class Counters:
    """The counters of `raw_file`, with its names."""

    n_lines: int = 0
    n_events: int = 0
    n_rejects: int = 0
    n_comments: int = 0
    n_fragments: int = 0
    n_reject_blank: int = 0
    n_reject_over_long_line: int = 0
    n_reject_non_text: int = 0
    n_reject_truncated: int = 0
    n_reject_extra_columns: int = 0
    n_reject_bad_date: int = 0
    n_reject_malformed_number: int = 0
    n_reject_non_finite: int = 0
    n_reject_x_joined: int = 0
    n_reject_hld: int = 0
    n_recovered_glued: int = 0
    n_recovered_x_prefix: int = 0
    n_recovered_x_joined: int = 0
    n_duplicate: int = 0
    n_time_backwards: int = 0
    max_backward_s: int = 0
    n_time_far: int = 0
    n_type_1: int = 0
    n_type_2: int = 0
    n_type_other: int = 0
    n_by_raw_tt_type_1: list[int] = field(default_factory=lambda: [0] * len(RAW_TT))
    n_by_raw_tt_type_2: list[int] = field(default_factory=lambda: [0] * len(RAW_TT))
    n_nonzero_by_channel: list[int] = field(default_factory=lambda: [0] * N_VALUES)
    n_hits: int = 0
    n_no_trailing: int = 0
    n_no_leading: int = 0

    @property
    def n_recovered(self) -> int:
        """Events recovered from damaged lines."""
        return self.n_recovered_glued + self.n_recovered_x_prefix + self.n_recovered_x_joined

    @property
    def n_rejects_by_reason(self) -> int:
        """Sum of the reject counters over the reasons."""
        return sum(getattr(self, f.name) for f in fields(self) if f.name.startswith("n_reject_"))

    def add_rejects(self, rejects: Iterable[RejectRow]) -> None:
        """Count rejected lines by reason, and fragments."""
        for row in rejects:
            if row.fragment_number:
                self.n_fragments += 1
                continue
            reason = "hld" if row.reject.reason in HLD_REJECT_REASONS else row.reject.reason
            self.n_rejects += 1
            setattr(self, f"n_reject_{reason}", getattr(self, f"n_reject_{reason}") + 1)

    def add_block(self, block: BlockEvents, signals: Signals, hits: Hits) -> None:
        """Count the lines, events and hits of a block."""
        self.n_lines += block.n_lines
        self.n_events += len(block.event_number)
        self.n_comments += block.n_comments
        self.add_rejects(block.rejects)
        for recovery in block.recovery.values():
            name = f"n_recovered_{_RECOVERIES[recovery]}"
            setattr(self, name, getattr(self, name) + 1)
        self._add_topologies(block, signals)
        self.n_nonzero_by_channel = (signals.n_nonzero + self.n_nonzero_by_channel).tolist()
        self.n_hits += len(hits.batch)
        self.n_no_trailing += hits.n_no_trailing
        self.n_no_leading += hits.n_no_leading

    def _add_topologies(self, block: BlockEvents, signals: Signals) -> None:
        topology = TOPOLOGY_OF_CODE[signals.topology]
        is_type = {1: block.trigger_type == 1, 2: block.trigger_type == 2}
        by_type = {n: np.bincount(topology[rows], minlength=len(RAW_TT)) for n, rows in is_type.items()}
        self.n_by_raw_tt_type_1 = (by_type[1] + self.n_by_raw_tt_type_1).tolist()
        self.n_by_raw_tt_type_2 = (by_type[2] + self.n_by_raw_tt_type_2).tolist()
        n_type_1, n_type_2 = (int(np.count_nonzero(rows)) for rows in is_type.values())
        self.n_type_1 += n_type_1
        self.n_type_2 += n_type_2
        self.n_type_other += len(topology) - n_type_1 - n_type_2

    def check(self, n_event_rows: int, n_hit_rows: int, n_reject_rows: int) -> None:
        """Raise `BalanceError` unless the counters add up with each other and with the rows made."""
        by_raw_tt = sum(self.n_by_raw_tt_type_1) + sum(self.n_by_raw_tt_type_2) + self.n_type_other
        balances = {
            "lines": (self.n_lines, self.n_events + self.n_rejects + self.n_comments),
            "rejects": (self.n_rejects, self.n_rejects_by_reason),
            "trigger types": (self.n_events, self.n_type_1 + self.n_type_2 + self.n_type_other),
            "topologies": (self.n_events, by_raw_tt),
            "event rows": (self.n_events, n_event_rows),
            "hit rows": (self.n_hits, n_hit_rows),
            "reject rows": (self.n_rejects + self.n_fragments, n_reject_rows),
        }
        wrong = {name: pair for name, pair in balances.items() if pair[0] != pair[1]}
        if wrong or self.n_recovered > self.n_events:
            raise BalanceError(f"counters do not add up: {wrong or 'more recovered than events'}")
