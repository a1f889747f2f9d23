"""What a fetch from a remote source did: one item a request, warnings, and what is left for the next run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

FetchOutcome = Literal["fetched", "unchanged", "no_data", "rejected", "failed", "pending"]

MAX_PROBLEM_CHARACTERS = 200

Progress = Callable[[int, int, str], None]
"""Called as (requests done, requests to do, name of the request just done)."""


@dataclass(frozen=True)
class Fetched:
    """What became of one request.

    ``fetched``: landed; ``unchanged``: the same bytes are in landing; ``no_data``: the source has nothing for it;
    ``rejected``: the answer lies in the reject folder; ``failed``: no answer; ``pending``: the service still works on
    it. ``path`` is where the answer lies.
    """

    name: str
    outcome: FetchOutcome
    detail: str = ""
    path: Path | None = None


@dataclass
class FetchSummary:
    """Result of one run over one source.

    ``n_requests`` counts what was asked of the service, ``n_waiting`` requests left for the next run, and ``stopped``
    says why the run ended early, if it did.
    """

    source: str
    items: list[Fetched] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    n_requests: int = 0
    n_waiting: int = 0
    stopped: str = ""

    def count(self, *outcomes: FetchOutcome) -> int:
        """Number of items with one of these outcomes."""
        return sum(item.outcome in outcomes for item in self.items)

    @property
    def n_done(self) -> int:
        """Answers that landed."""
        return self.count("fetched")

    @property
    def n_failed(self) -> int:
        """Requests without a usable answer, and 1 where the run was stopped with nothing else to show for it."""
        failed = self.count("rejected", "failed", "pending")
        return max(failed, 1) if self.stopped else failed

    @property
    def problem(self) -> str:
        """The first thing that went wrong, for a sentence; empty when nothing did."""
        bad = (item for item in self.items if item.outcome in ("rejected", "failed", "pending"))
        text = self.stopped or next((f"{item.name}: {item.detail}" for item in bad), "")
        return text if len(text) <= MAX_PROBLEM_CHARACTERS else text[: MAX_PROBLEM_CHARACTERS - 1] + "…"
