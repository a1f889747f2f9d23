"""What an extraction of environment files did: counts per station and kind, failures, seconds."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from extract.environment_file import LandingFile, Outcome
from warehouse.attempts import Attempts, Subject, Verdict

logger = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
"""Called as (files done, files to do, name of the file just done)."""


class NotConfiguredError(LookupError):
    """Something the operator has to supply is not there; the file is tried in every run until it is."""


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
    """Result of one extraction of one source. ``counts`` is keyed by (station or None, kind).

    ``n_waiting`` and ``n_quarantined``: files that failed before and were not tried, for now or any more.
    """

    source: str
    counts: dict[tuple[int | None, str], KindCounts] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    n_waiting: int = 0
    n_quarantined: int = 0
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
    attempts: Attempts | None = None,
) -> None:
    """Extract files one by one; whatever a file does, the others go on. Those that failed before come last."""
    todo = list(files) if attempts is None else _to_try(files, attempts, summary)
    started = time.monotonic()
    for n_done, file in enumerate(todo, start=1):
        try:
            summary.done(file, extract_one(file) if attempts is None else _attempt(extract_one, file, attempts))
        except Exception as error:
            summary.fail(file.station_id, file.kind, file.source_file, error)
        if on_progress is not None:
            on_progress(n_done, len(todo), file.path.name)
    summary.seconds += time.monotonic() - started


def subject_of(file: LandingFile) -> Subject:
    """A landing file as attempts know it, named by its path below the folder of its station or source."""
    below = [part for part in file.source_file.split("/")[1:] if not part.startswith("station=")]
    return Subject(file.partition_station, "+".join(below), {file.source_file: file.sha256})


def _to_try(files: Iterable[LandingFile], attempts: Attempts, summary: EnvSummary) -> list[LandingFile]:
    by_verdict: dict[Verdict, list[LandingFile]] = defaultdict(list)
    for file in files:
        by_verdict[attempts.verdict(subject_of(file))].append(file)
    summary.n_waiting += len(by_verdict["waiting"])
    summary.n_quarantined += len(by_verdict["quarantined"])
    return by_verdict["free"] + by_verdict["suspect"]


def _attempt(extract_one: Callable[[LandingFile], Outcome], file: LandingFile, attempts: Attempts) -> Outcome:
    """Extract one file between the start and the end of an attempt."""
    subject = subject_of(file)
    attempts.begin(subject)
    try:
        outcome = extract_one(file)
    except NotConfiguredError:
        attempts.withdraw(subject)
        raise
    except Exception as error:
        attempts.fail(subject, type(error).__name__, str(error))
        raise
    except BaseException:
        attempts.withdraw(subject)
        raise
    attempts.succeed(subject)
    return outcome
