"""The work of a backfill: batches of fetching and extracting with a pause between them, so that live runs pass."""

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import TypeVar

from extract.daq.extract import StationSummary, extract_landing
from extract.daq.name import BadNameError, parse_name
from extract.transfer.clock import Clock
from extract.transfer.sftp.download import LandingError, free_gib
from extract.transfer.sftp.order import day_of
from extract.transfer.sftp.pending import Origin, Pending, Supply
from extract.transfer.sftp.remote import RemoteError
from flows.attempts import extract_attempts
from flows.backfill_plan import DayCount
from warehouse.lock import LockBusyError, held
from warehouse.settings import Settings

logger = logging.getLogger(__name__)

OnFile = Callable[[int, int, str], None]
"""Called as (files done, files to do, pace and name of the file just done)."""

FIRST_BATCH = 4
LARGEST_BATCH = 64
"""Files that may lie in landing without being extracted, at most."""
LOCK_WAIT_S = 600.0
PURPOSE = "backfill"

Key = TypeVar("Key", bound=Hashable)


def next_batch_size(n_files: int, seconds: float, batch_s: float) -> int:
    """Files of the next batch so that it takes ``batch_s``, from a batch of ``n_files`` in ``seconds``; at most twice.

    Between 1 and `LARGEST_BATCH`.
    """
    wanted = n_files * batch_s / seconds if seconds > 0 else LARGEST_BATCH
    return max(1, int(min(wanted, 2 * n_files, LARGEST_BATCH)))


@dataclass
class Work:
    """What became of the files.

    ``problems``: place (a file, or a source of a station) and why; ``busy``: who held a lock; ``full``: why the disk
    takes no more; ``stopped``: why the rest waits.
    """

    days: dict[tuple[int, date], DayCount] = field(default_factory=dict)
    n_events: int = 0
    n_rejects: int = 0
    n_by_status: dict[str, int] = field(default_factory=dict)
    vanished: list[Pending] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    full: str = ""
    stopped: str = ""
    n_waiting: int = 0

    def day(self, pending: Pending) -> DayCount:
        """The counts of the file's station and day."""
        return self.days.setdefault((pending.name.station_id, day_of(pending)), DayCount())

    def total(self, name: str) -> int:
        """One of the counts over all days."""
        return sum(getattr(count, name) for count in self.days.values())


class Runner:
    """Works through files in order; one that fails does not stop the others, nor does a server that does not answer.

    Parameters
    ----------
    supplies
        The remote sources by station number.
    lock_wait_s
        Seconds to wait for a lock that somebody else holds.
    """

    def __init__(
        self,
        settings: Settings,
        supplies: Mapping[int, Supply],
        budget_s: float,
        clock: Clock,
        on_file: OnFile | None = None,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:
        self._settings, self._supplies, self._clock = settings, supplies, clock
        self._on_file, self._lock_wait_s = on_file, lock_wait_s
        self._started = clock.monotonic()
        self._end = self._started + budget_s
        self._waiting: list[Pending] = []
        self._n_total = 0
        self._fetch_end = 0.0
        self.work = Work()

    def run(self, todo: Sequence[Pending]) -> Work:
        """Bring these files into the lake."""
        self._waiting = list(todo)
        self._n_total = self.work.total("n_extracted") + len(todo)
        size, n_batches = FIRST_BATCH, 0
        while self._waiting and not self._is_over():
            if n_batches:
                self._clock.sleep(self._settings.backfill.pause_s)
            batch, self._waiting = self._waiting[:size], self._waiting[size:]
            began = self._clock.monotonic()
            n_done = self._batch(batch)
            size = next_batch_size(max(n_done, 1), self._clock.monotonic() - began, self._settings.backfill.batch_s)
            n_batches += 1
        self.work.n_waiting += len(self._waiting)
        return self.work

    # ---------------------------------------------------------------- one batch

    def _batch(self, batch: Sequence[Pending]) -> int:
        """Fetch and extract some files; returns how many were tried."""
        ready = [pending for pending in batch if pending.remote is None]
        left: list[Pending] = []
        remote = [pending for pending in batch if pending.remote is not None]
        for files in _by(remote, lambda pending: (pending.name.station_id, pending.origin)).values():
            fetched, not_begun = self._fetch(files)
            ready += fetched
            left += not_begun
        for station_id, files in _by(ready, lambda pending: pending.name.station_id).items():
            self._extract(station_id, files)
        self._waiting = [pending for pending in batch if pending in left] + self._waiting
        return len(batch) - len(left)

    def _fetch(self, files: list[Pending]) -> tuple[list[Pending], list[Pending]]:
        """Fetch files of one source of one station; returns those in landing and those that were not begun."""
        station_id, origin = files[0].name.station_id, files[0].origin
        if not self._has_room():
            self._drop(station_id, origin, len(files))
            return [], []
        ready: list[Pending] = []
        tried = 0
        by_name = {pending.remote.name: pending for pending in files if pending.remote}
        lock = self._settings.paths.landing / f".lock-station-{station_id}"
        try:
            with held(lock, PURPOSE, self._lock_wait_s):
                self._fetch_end = min(self._clock.monotonic() + self._settings.backfill.batch_s, self._end)
                entries = [pending.remote for pending in files if pending.remote]
                for result in self._supplies[station_id].fetch(origin, entries, self._goes_on):
                    pending = by_name[result.file.name]
                    tried += 1
                    self._note(pending, result.word, result.detail, ready)
        except (RemoteError, LockBusyError, LandingError) as error:
            if isinstance(error, LockBusyError):
                self.work.busy.append(str(error))
            elif isinstance(error, LandingError):
                self.work.full = str(error)
            else:
                self.work.problems.append((f"station {station_id} {origin}", str(error)))
            self._drop(station_id, origin, len(files) - tried)
            return ready, []
        return ready, files[tried:]

    def _note(self, pending: Pending, word: str, detail: str, ready: list[Pending]) -> None:
        if word in ("fetched", "skipped"):
            ready.append(pending)
            if word == "fetched":
                count = self.work.day(pending)
                count.n_fetched += 1
                count.n_bytes += pending.size
        elif word == "vanished":
            self.work.vanished.append(pending)
        else:
            self.work.day(pending).n_failed += 1
            self.work.problems.append((pending.name.file_name, detail))

    def _extract(self, station_id: int, files: list[Pending]) -> None:
        paths, settings = self._settings.paths, self._settings
        names = {pending.name.base_name for pending in files}
        try:
            with held(paths.locks / "extract.lock", PURPOSE, self._lock_wait_s):
                summary = extract_landing(
                    paths.landing,
                    paths.lake,
                    stations=[station_id],
                    only=names,
                    workers=settings.extract.workers,
                    attempts=extract_attempts(paths),
                )
        except LockBusyError as error:
            self.work.busy.append(str(error))
            self.work.n_waiting += len(files)
            self.work.stopped = "somebody else extracts"
            return
        failed = {_base_name(source_file) for source_file, _ in summary.failures}
        self.work.problems += summary.failures
        for pending in files:
            count = self.work.day(pending)
            if pending.name.base_name in failed:
                count.n_failed += 1
            else:
                count.n_extracted += 1
                self._tell(pending)
        for station in summary.stations:
            self._add(station)
        if self.work.total("n_failed") >= LARGEST_BATCH:
            self.work.stopped = f"{self.work.total('n_failed')} files failed"

    def _add(self, station: StationSummary) -> None:
        self.work.n_events += station.n_events
        self.work.n_rejects += station.n_rejects
        for status, n_files in station.n_by_status.items():
            self.work.n_by_status[status] = self.work.n_by_status.get(status, 0) + n_files

    # ---------------------------------------------------------------- limits

    def _is_over(self) -> bool:
        if not self.work.stopped and self._clock.monotonic() >= self._end:
            self.work.stopped = "the budget is used up"
        return bool(self.work.stopped)

    def _goes_on(self) -> bool:
        """Whether another file may be fetched in this batch."""
        return self._clock.monotonic() < self._fetch_end and self._has_room()

    def _has_room(self) -> bool:
        """Whether the disk has the free space below which nothing is fetched."""
        wanted_gib, free = self._settings.acquire.min_free_gib, free_gib(self._settings.paths.data_dir)
        if free < wanted_gib:
            self.work.full = f"{free:.1f} GiB of disk are free, acquire.min_free_gib is {wanted_gib:g}"
        return not self.work.full

    def _drop(self, station_id: int, origin: Origin, n_files: int) -> None:
        """Leave what a source still had for another run."""
        kept = [p for p in self._waiting if (p.name.station_id, p.origin) != (station_id, origin)]
        self.work.n_waiting += n_files + len(self._waiting) - len(kept)
        self._waiting = kept

    # ---------------------------------------------------------------- progress

    def _tell(self, pending: Pending) -> None:
        if self._on_file is None:
            return
        n_done = self.work.total("n_extracted")
        seconds = self._clock.monotonic() - self._started
        pace = 60 * n_done / seconds if seconds > 0 else 0.0
        left_s = (self._n_total - n_done) * seconds / n_done
        self._on_file(n_done, self._n_total, f"{pace:.0f}/min, {left_s:.0f} s left, {pending.name.base_name}")


def _by(files: Iterable[Pending], key: Callable[[Pending], Key]) -> dict[Key, list[Pending]]:
    """Files by a key, in their order."""
    groups: dict[Key, list[Pending]] = {}
    for pending in files:
        groups.setdefault(key(pending), []).append(pending)
    return groups


def _base_name(source_file: str) -> str:
    """The base name of a landing file; empty for what is none."""
    try:
        return parse_name(PurePosixPath(source_file).name).base_name
    except BadNameError:
        return ""
