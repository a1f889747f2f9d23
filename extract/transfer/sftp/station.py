"""One source of one station, from its listing to landing; whatever goes wrong stays with this station."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from extract.daq.name import RawName
from extract.transfer.clock import Clock
from extract.transfer.place import remove_parts
from extract.transfer.sftp.download import LandingError, Rules, download, free_gib
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.held import Held, find_held
from extract.transfer.sftp.listing import write_listing
from extract.transfer.sftp.remote import (
    HostKeyError,
    LoginError,
    LostError,
    MissingFileError,
    RemoteError,
    RemoteFile,
    StoppedError,
    shown,
)
from extract.transfer.sftp.select import (
    SECOND_LOOK_S,
    Choice,
    Looks,
    Wanted,
    Word,
    count_words,
    needs_second_look,
    select_files,
)
from extract.transfer.sftp.session import Session
from warehouse.lock import LockBusyError, held

logger = logging.getLogger(__name__)

LOCK_WAIT_S = 120.0

EVERY_WORD: tuple[Word, ...] = (
    "fetched",
    "skipped",
    "too_fresh",
    "empty_remote",
    "wrong_station",
    "bad_name",
    "failed",
)

StationState = Literal["done", "nothing", "partial", "failed", "skipped", "planned"]


@dataclass
class StationRun:
    """What one source of one station gave.

    ``choices``: every listed name with its word; ``problem``: why the station as a whole failed, or stopped early.
    """

    endpoint: Endpoint
    choices: list[Choice] = field(default_factory=list)
    n_bytes: int = 0
    seconds: float = 0.0
    problem: str = ""
    is_skipped: bool = False
    is_plan: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Listed names, and files by word; the words that every run has are there with 0."""
        return {"listed": len(self.choices), **dict.fromkeys(EVERY_WORD, 0), **count_words(self.choices)}

    def count(self, *words: Word) -> int:
        """Number of files with one of these words."""
        return sum(choice.word in words for choice in self.choices)

    @property
    def state(self) -> StationState:
        """In one word."""
        if self.is_skipped:
            return "skipped"
        is_bad = bool(self.problem) or self.count("failed") > 0
        if is_bad:
            return "partial" if self.count("fetched") else "failed"
        if self.is_plan:
            return "planned"
        return "done" if self.count("fetched") else "nothing"


@dataclass(frozen=True)
class Watch:
    """Who is told how a run goes on; called from the thread of the station."""

    on_listed: Callable[[Endpoint, int, int], None] = lambda endpoint, n_files, n_bytes: None
    on_bytes: Callable[[Endpoint, int], None] = lambda endpoint, n_bytes: None
    on_file: Callable[[Endpoint, str], None] = lambda endpoint, name: None


@dataclass(frozen=True)
class Place:
    """Landing and lake, and how much disk has to stay free (GiB)."""

    landing: Path
    lake: Path
    min_free_gib: float = 0.0

    def lock(self, station_id: int) -> Path:
        """The lock of everything that brings files of a station into landing."""
        return self.landing / f".lock-station-{station_id}"

    def folder(self, endpoint: Endpoint) -> Path:
        """Where detector files of a source land."""
        return self.landing / endpoint.source / f"station={endpoint.station_id}"


def fetch_station(
    session: Session,
    wanted: Wanted,
    place: Place,
    rules: Rules,
    *,
    is_plan: bool = False,
    lock_wait_s: float = LOCK_WAIT_S,
    clock: Clock | None = None,
    watch: Watch | None = None,
) -> StationRun:
    """List a folder, note the listing, and fetch what is missing; what goes wrong is noted, never raised.

    Parameters
    ----------
    is_plan
        List and choose only; landing and lake stay as they are.
    """
    clock, watch = clock or Clock(), watch or Watch()
    return run_station(
        session,
        place,
        place.folder(session.endpoint),
        choose=lambda: list_and_select(session, wanted, place, clock),
        fetch=lambda choice: fetch_choice(session, choice, place, rules, clock, watch),
        is_plan=is_plan,
        lock_wait_s=lock_wait_s,
        clock=clock,
        watch=watch,
    )


def run_station(
    session: Session,
    place: Place,
    folder: Path,
    *,
    choose: Callable[[], tuple[list[Choice], datetime]],
    fetch: Callable[[Choice], Choice],
    is_plan: bool,
    lock_wait_s: float,
    clock: Clock,
    watch: Watch,
) -> StationRun:
    """Choose, note the listing and fetch under the lock of the station, for any kind of file.

    Parameters
    ----------
    folder
        The folder of landing below which ``fetch`` writes.
    choose
        Lists; gives every name with its word, and the time of the listing.
    fetch
        Fetches one chosen file and gives it its word; raises what concerns every further file too.
    """
    run = StationRun(session.endpoint, is_plan=is_plan)
    started = time.monotonic()
    with _noting(run):
        if is_plan:
            run.choices = choose()[0]
        else:
            lock, purpose = place.lock(session.endpoint.station_id), f"acquire {session.endpoint.source}"
            with held(lock, purpose, lock_wait_s, sleep=clock.sleep):
                remove_parts(folder)
                run.choices, listed_at = choose()
                _fetch(session, place, run, listed_at, fetch, watch)
    run.seconds = time.monotonic() - started
    return run


@contextmanager
def _noting(run: StationRun) -> Iterator[None]:
    try:
        yield
    except LockBusyError as error:
        run.is_skipped, run.problem = True, str(error)
    except (RemoteError, LandingError) as error:
        run.problem = str(error)
    except OSError as error:
        run.problem = f"landing or lake cannot be written: {error}"
    except Exception as error:  # ours to mend; the other stations go on all the same
        logger.exception("%s: unexpected error", run.endpoint.station_code)
        run.problem = f"unexpected {type(error).__name__}: {shown(str(error))}"


def _fetch(
    session: Session,
    place: Place,
    run: StationRun,
    listed_at: datetime,
    fetch: Callable[[Choice], Choice],
    watch: Watch,
) -> None:
    endpoint = session.endpoint
    write_listing(place.lake, endpoint, run.choices, listed_at)
    todo = [choice for choice in run.choices if choice.word == "fetch"]
    watch.on_listed(endpoint, len(todo), sum(choice.file.size for choice in todo))
    results: dict[str, Choice] = {}
    try:
        for choice in todo:
            if (free := free_gib(place.landing)) < place.min_free_gib:
                raise LandingError(
                    f"{place.landing}: {free:.1f} GiB free, less than acquire.min_free_gib = {place.min_free_gib:g};"
                    " free some disk, the stations keep their data"
                )
            _ = session.remote  # a host that is gone ends the run here, not after three attempts at every file
            results[choice.file.name] = fetched = fetch(choice)
            run.n_bytes += choice.file.size if fetched.word == "fetched" else 0
            watch.on_file(endpoint, choice.file.name)
    finally:
        run.choices = [results.get(c.file.name, c if c.word != "fetch" else c.to("waiting")) for c in run.choices]
        write_listing(place.lake, endpoint, run.choices, listed_at)


def list_and_select(session: Session, wanted: Wanted, place: Place, clock: Clock) -> tuple[list[Choice], datetime]:
    """Every listed name with its word, and the time of the listing (UTC). A broken connection is tried once more."""
    files, now = _list(session), clock.now()
    all_steady = Looks(frozenset(file.name for file in files))
    names = names_to_look_for(select_files(files, wanted, Held(), now, all_steady))
    here = find_held(place.landing, place.lake, wanted.station_id, names)
    choices = select_files(files, wanted, here, now, all_steady)
    if any(needs_second_look(file, now) for file in files):
        choices = select_files(files, wanted, here, now, Looks(_steady(session, choices, now, clock)))
    return choices, now


def names_to_look_for(choices: list[Choice]) -> list[RawName]:
    """Names whose word, chosen as if nothing were here, can change with what is here."""
    return [c.name for c in choices if c.name and c.word in ("fetch", "waiting", "too_large", "implausible")]


def _list(session: Session) -> list[RemoteFile]:
    try:
        return session.remote.list_directory(session.endpoint.directory)
    except LostError:
        session.drop()
        return session.remote.list_directory(session.endpoint.directory)


def _steady(session: Session, choices: list[Choice], now: datetime, clock: Clock) -> frozenset[str]:
    """Names of files to fetch, without a believable age, whose size is the same in a second look."""
    doubtful = [choice.file for choice in choices if choice.word == "fetch" and needs_second_look(choice.file, now)]
    if not doubtful:
        return frozenset()
    clock.sleep(SECOND_LOOK_S)
    sizes: Mapping[str, int] = {file.name: file.size for file in _list(session)}
    return frozenset(file.name for file in doubtful if sizes.get(file.name) == file.size)


def fetch_choice(session: Session, choice: Choice, place: Place, rules: Rules, clock: Clock, watch: Watch) -> Choice:
    """Fetch one chosen file; what concerns the file alone becomes its word.

    Raises
    ------
    HostKeyError, LoginError, StoppedError, LandingError
        What concerns every further file too.
    """
    assert choice.name
    folder = place.folder(session.endpoint) / f"{choice.name.start_time:%Y-%m}"
    return fetch_file(session, choice, folder, choice.name.file_name, rules, clock)


def fetch_file(session: Session, choice: Choice, folder: Path, name: str, rules: Rules, clock: Clock) -> Choice:
    """Fetch one chosen file as ``name`` into a folder of landing; for the rest as `fetch_choice`."""
    try:
        download(session, choice.file, folder, name, rules, clock=clock)
    except MissingFileError:
        return choice.to("vanished", "gone since it was listed; the next run looks again")
    except (HostKeyError, LoginError, StoppedError):
        raise
    except RemoteError as error:
        logger.warning("%s: %s not fetched: %s", session.endpoint.station_code, shown(choice.file.name), error)
        return choice.to("failed", str(error))
    return choice.to("fetched")
