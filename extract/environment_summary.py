"""What an extraction of environment files did: counts per station and kind, failures, seconds."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from extract.environment_file import LandingFile, Outcome

logger = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
"""Called as (files done, files to do, name of the file just done)."""


@dataclass
class KindCounts:
    """Counts of one station and kind. ``n_files_rejected`` is a part of ``n_files_done``."""

    n_files_done: int = 0
    n_files_skipped: int = 0
    n_files_rejected: int = 0
    n_files_failed: int = 0
    n_rows: int = 0
    n_rejects: int = 0
    n_pending_tail: int = 0

    def add(self, other: "KindCounts") -> None:
        """Add the counts of ``other``."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Failure:
    """A file that a fault of the machine kept from being extracted; the next run tries again."""

    source_file: str
    reason: str


@dataclass
class EnvSummary:
    """Result of one extraction of one source. ``counts`` is keyed by (station or None, kind)."""

    source: str
    counts: dict[tuple[int | None, str], KindCounts] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> KindCounts:
        """Counts over all stations and kinds."""
        total = KindCounts()
        for counts in self.counts.values():
            total.add(counts)
        return total

    def of(self, station_id: int | None, kind: str) -> KindCounts:
        """The counts of a station and kind, made when new."""
        return self.counts.setdefault((station_id, kind), KindCounts())

    def skip(self, file: LandingFile) -> None:
        """Count a file that is already in the lake."""
        self.of(file.station_id, file.kind).n_files_skipped += 1

    def done(self, file: LandingFile, outcome: Outcome) -> None:
        """Count a file that was extracted, and say so in the log when it was not used."""
        is_rejected = outcome.status == "rejected"
        is_written = outcome.status != "superseded"
        self.of(file.station_id, file.kind).add(
            KindCounts(
                n_files_done=1,
                n_files_rejected=int(is_rejected),
                n_rows=outcome.n_rows if is_written else 0,
                n_rejects=len(outcome.rejects) if is_written else 0,
                n_pending_tail=outcome.counts.n_pending_tail,
            )
        )
        if is_rejected:
            logger.warning("%s is not usable, %s", file.source_file, outcome.detail)
        elif outcome.detail:
            logger.warning("%s: %s", file.source_file, outcome.detail)

    def fail(self, station_id: int | None, kind: str, source_file: str, error: Exception) -> None:
        """Count a file that could not be extracted."""
        self.of(station_id, kind).n_files_failed += 1
        self.failures.append(Failure(source_file, f"{type(error).__name__}: {error}"))
        logger.error("%s could not be extracted: %s", source_file, error, exc_info=error)


def extract_each(
    files: Iterable[LandingFile],
    extract_one: Callable[[LandingFile], Outcome],
    summary: EnvSummary,
    on_progress: Progress | None,
) -> None:
    """Extract files one by one; whatever a file does, the others go on."""
    todo = list(files)
    started = time.monotonic()
    for n_done, file in enumerate(todo, start=1):
        try:
            summary.done(file, extract_one(file))
        except Exception as error:
            summary.fail(file.station_id, file.kind, file.source_file, error)
        if on_progress is not None:
            on_progress(n_done, len(todo), file.path.name)
    summary.seconds += time.monotonic() - started
