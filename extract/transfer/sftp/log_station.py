"""The lab logs of one station into landing, over one connection; whatever one log does, the others go on."""

import logging
import posixpath
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from extract.transfer.clock import Clock
from extract.transfer.place import remove_parts
from extract.transfer.sftp.download import LandingError, Rules, download, free_gib, in_attempts
from extract.transfer.sftp.log_held import Held, find_held, read_held, station_folder
from extract.transfer.sftp.logs import DONE, Folder, ListedLog, n_ignored_names, select_logs, version_of
from extract.transfer.sftp.remote import HostKeyError, LoginError, LostError, MissingFileError, RemoteError, RemoteFile
from extract.transfer.sftp.session import Session
from extract.transfer.sidecar import modification_time, read_sidecar
from warehouse.settings import Acquire

logger = logging.getLogger(__name__)

MAX_LOST_IN_A_ROW = 2
"""Files in a row whose connection breaks at every attempt; then the station is left for this run."""

FileDone = Callable[[int, int, str], None]
"""Called as (files done, files to fetch, name of the file just done)."""


@dataclass
class LogRun:
    """What was done with every listed name of one station; ``problem`` is the first thing that went wrong."""

    station_id: int
    station_code: str
    items: list[ListedLog] = field(default_factory=list)
    problem: str = ""
    n_bytes: int = 0
    seconds: float = 0.0

    @property
    def counts(self) -> Counter[str]:
        """Names by outcome."""
        return Counter(item.outcome for item in self.items)

    @property
    def n_ignored_names(self) -> int:
        """Names that are not names of logs."""
        return n_ignored_names(self.items)


def fetch_station_logs(
    session: Session,
    landing: Path,
    lake: Path,
    acquire: Acquire,
    *,
    is_plan: bool = False,
    max_files: int | None = None,
    clock: Clock | None = None,
    draw: Callable[[], float] = random.random,
    on_file: FileDone | None = None,
) -> LogRun:
    """List the log folder and ``done/`` and fetch every version that neither landing nor lake has.

    The caller holds the lock of the station.

    Parameters
    ----------
    is_plan
        Only list and select; nothing is written.
    max_files
        Files to fetch at most; None takes the setting.

    Returns
    -------
    All listed names. `fetch` became `fetched` (also where landing had the same bytes already), `failed`, `vanished`
    (moved or removed meanwhile) or `waiting` for the next run.
    """
    endpoint = session.endpoint
    run = LogRun(endpoint.station_id, endpoint.station_code)
    started = time.monotonic()
    if not is_plan:
        remove_parts(station_folder(landing, endpoint.station_id))
    try:
        listings = _list(session, acquire, clock or Clock(), draw)
    except RemoteError as error:
        run.problem = str(error)
        return run
    listed = [version_of(folder, file) for folder, files in listings.items() for file in files]
    held = read_held(landing, lake, endpoint.station_id, listed)
    run.items = select_logs(listings, held.versions, acquire.max_files if max_files is None else max_files)
    if not is_plan:
        run.items = list(_fetch_all(run, session, landing, held, acquire, clock, draw, on_file))
    run.seconds = time.monotonic() - started
    return run


def _list(
    session: Session, acquire: Acquire, clock: Clock, draw: Callable[[], float]
) -> Mapping[Folder, Sequence[RemoteFile]]:
    """Both folders, the top one first; a station without ``done/`` has not finished a day yet."""

    def listing(directory: str) -> list[RemoteFile]:
        return in_attempts(
            lambda: session.remote.list_directory(directory), session, acquire.attempts, clock=clock, draw=draw
        )

    directory = session.endpoint.directory
    top = listing(directory)
    try:
        done = listing(posixpath.join(directory, DONE))
    except MissingFileError:
        done = []
    return {"top": [file for file in top if file.name != DONE], "done": done}


def _fetch_all(
    run: LogRun,
    session: Session,
    landing: Path,
    held: Held,
    acquire: Acquire,
    clock: Clock | None,
    draw: Callable[[], float],
    on_file: FileDone | None,
) -> Iterator[ListedLog]:
    n_wanted = sum(item.outcome == "fetch" for item in run.items)
    n_done = n_lost = 0
    stopped = ""
    for item in run.items:
        if item.outcome != "fetch":
            yield item
            continue
        if not stopped and free_gib(landing) < acquire.min_free_gib:
            stopped = f"less than {acquire.min_free_gib:g} GiB of disk are free; free some (acquire.min_free_gib)"
        if stopped:
            run.problem = run.problem or stopped
            yield replace(item, outcome="waiting")
            continue
        outcome, error = _fetch_one(run, item, session, landing, held, acquire, clock, draw)
        n_lost = n_lost + 1 if isinstance(error, LostError) else 0
        if error is not None:
            logger.warning("%s, %s: %s", run.station_code, item.listed_name, error)
            run.problem = run.problem or str(error)
        if isinstance(error, (HostKeyError, LoginError, LandingError)) or n_lost == MAX_LOST_IN_A_ROW:
            stopped = str(error)
        n_done += 1
        if on_file is not None:
            on_file(n_done, n_wanted, item.file.name)
        yield replace(item, outcome=outcome)


def _fetch_one(
    run: LogRun,
    item: ListedLog,
    session: Session,
    landing: Path,
    held: Held,
    acquire: Acquire,
    clock: Clock | None,
    draw: Callable[[], float],
) -> tuple[str, Exception | None]:
    """Outcome and error of one log; its name was checked when it was selected."""
    assert item.log_name is not None
    name, folder = item.log_name.base_name, item.folder
    day = item.log_name.file_date or (item.file.modified_at or (clock or Clock()).now()).date()
    target = station_folder(landing, run.station_id) / folder / f"{day:%Y-%m}"
    rules = Rules(
        attempts=acquire.attempts,
        remote_hash=acquire.remote_hash,
        may_grow=True,
        find_held=lambda sidecar: find_held(held, folder, name, sidecar),
    )
    try:
        landed = download(
            session, replace(item.file, name=item.listed_name), target, name, rules, clock=clock, draw=draw
        )
    except MissingFileError:
        return "vanished", None
    except (RemoteError, LandingError) as error:
        return "failed", error
    run.n_bytes += landed.size
    sidecar = read_sidecar(landed.path)
    modified_at = sidecar.remote_modified_at if sidecar else modification_time(landed.path)
    held.add(landed.path, folder, replace(item.version, size=landed.size, modified_at=modified_at))
    return "fetched", None
