"""Bringing files of this machine into landing: simulated data, disks sent by post, downloads made by hand."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from extract.transfer.kind import KINDS, tell_kind
from extract.transfer.place import REJECT_FOLDER, find_same, place, versions_of
from extract.transfer.sidecar import Sidecar, modification_time, now_utc
from extract.transfer.stations import Station, UnknownStationError, read_stations
from extract.transfer.target import SOURCES, RefusedError, Target, find_target
from warehouse.files import sha256_of_file

logger = logging.getLogger(__name__)

HOST = "local"
UNKNOWN = "unknown"

Progress = Callable[[int, int, str], None]
"""Called as (files done, files given, name of the file just done)."""


class UnknownKindError(ValueError):
    """A word that is no kind of source file."""


@dataclass(frozen=True)
class Transferred:
    """What became of one file: ``outcome`` is `fetched`, `skipped` or `rejected`.

    ``landing_path`` is where it lies now: in landing (of a skipped file: its equal) or in its reject folder; None where
    it could not be read or written. ``reason`` and ``detail`` say why it was rejected.
    """

    file: Path
    outcome: str
    landing_path: Path | None = None
    reason: str = ""
    detail: str = ""
    kind: str = UNKNOWN


@dataclass
class TransferSummary:
    """Result of one transfer: files fetched, files that were in landing already, files rejected by reason."""

    fetched: int = 0
    skipped: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    n_bytes: int = 0
    seconds: float = 0.0
    items: list[Transferred] = field(default_factory=list)

    def add(self, item: Transferred) -> None:
        """Count one file."""
        self.items.append(item)
        if item.outcome == "rejected":
            self.rejected[item.reason] = self.rejected.get(item.reason, 0) + 1
        elif item.outcome == "skipped":
            self.skipped += 1
        else:
            self.fetched += 1
            self.n_bytes += item.landing_path.stat().st_size if item.landing_path else 0


def acquire_local(
    files: Sequence[Path],
    landing: Path,
    *,
    kind: str | None = None,
    station: str | None = None,
    stations: Mapping[int, Station] | None = None,
    on_progress: Progress | None = None,
) -> TransferSummary:
    """Copy source files of any kind into landing; whatever one file is, the others go on.

    Parameters
    ----------
    kind
        One of `KINDS`; None tells it file by file from name and content.
    station
        Code or number of a station of the network; for NMDB the code of the monitor.
    stations
        The network; None reads the seed.

    Raises
    ------
    UnknownKindError
        For a kind that is none.
    UnknownStationError
        For a station that is not in the network.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownKindError(f"unknown kind {kind!r}; known are {', '.join(KINDS)}")
    network = read_stations() if stations is None else stations
    summary = TransferSummary()
    started = time.monotonic()
    for n_done, file in enumerate(files, start=1):
        summary.add(_acquire_one(file, landing, kind, station, network))
        if on_progress is not None:
            on_progress(n_done, len(files), file.name)
    summary.seconds = time.monotonic() - started
    return summary


def _acquire_one(
    file: Path, landing: Path, kind: str | None, station: str | None, stations: Mapping[int, Station]
) -> Transferred:
    known_kind = UNKNOWN
    try:
        known_kind = kind or tell_kind(file) or UNKNOWN
        if known_kind == UNKNOWN:
            raise RefusedError("unknown_kind", "neither name nor content says what it is: give --kind")
        target = find_target(file, known_kind, landing, station, stations)
        return _bring(file, landing, target, known_kind)
    except RefusedError as error:
        return _reject(file, landing, known_kind, error)
    except UnknownStationError:
        raise
    except Exception as error:  # a fault of this machine or of one file must not keep the others out
        return _not_copied(file, known_kind, error)


def _bring(file: Path, landing: Path, target: Target, kind: str) -> Transferred:
    sidecar = _sidecar(file, kind, target)
    if same := find_same(target.known, sidecar.file_sha256, sidecar.size):
        return Transferred(file, "skipped", same, kind=kind)
    path = place(file, landing / target.folder, target.name, sidecar)
    return Transferred(file, "fetched", path, kind=kind)


def _reject(file: Path, landing: Path, kind: str, error: RefusedError) -> Transferred:
    """Copy a file to its reject folder; the folder says the reason."""
    folder = Path(kind) / REJECT_FOLDER / error.reason
    logger.warning("%s does not enter landing, %s", file, error)
    try:
        sidecar = _sidecar(file, kind, Target(folder, file.name, now_utc()))
        same = find_same(versions_of(landing / folder, file.name), sidecar.file_sha256, sidecar.size)
        path = same or place(file, landing / folder, file.name, sidecar)
    except OSError as failure:
        return _not_copied(file, kind, failure)
    return Transferred(file, "rejected", path, error.reason, error.detail, kind)


def _not_copied(file: Path, kind: str, error: Exception) -> Transferred:
    logger.error("%s could not be brought into landing: %s", file, error)
    reason = "not_readable" if isinstance(error, OSError) else type(error).__name__
    return Transferred(file, "rejected", None, reason, str(error), kind)


def _sidecar(file: Path, kind: str, target: Target) -> Sidecar:
    return Sidecar(
        source=SOURCES.get(kind, UNKNOWN),
        host=HOST,
        remote_path=str(file.absolute()),
        size=file.stat().st_size,
        file_sha256=sha256_of_file(file),
        fetched_at=target.fetched_at,
        remote_modified_at=modification_time(file),
        request=target.request,
    )
