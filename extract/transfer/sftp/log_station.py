"""The lab logs of one station, from the listings of its two folders to landing."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from extract.transfer.clock import Clock
from extract.transfer.sftp.download import Rules, in_attempts
from extract.transfer.sftp.log_held import Held, find_held, read_held, station_folder
from extract.transfer.sftp.logs import DONE, Folder, log_of, select_logs, versions_of
from extract.transfer.sftp.remote import MissingFileError, RemoteFile
from extract.transfer.sftp.select import Choice
from extract.transfer.sftp.session import Session
from extract.transfer.sftp.station import LOCK_WAIT_S, Place, StationRun, Watch, fetch_file, run_station


def fetch_station_logs(
    session: Session,
    place: Place,
    rules: Rules,
    *,
    max_files: int,
    is_plan: bool = False,
    lock_wait_s: float = LOCK_WAIT_S,
    clock: Clock | None = None,
    watch: Watch | None = None,
) -> StationRun:
    """Fetch every version of every log that neither landing nor lake has; never raises for what the others do.

    Parameters
    ----------
    max_files
        Files to fetch at most; the others wait for the next run.
    is_plan
        List and choose only; landing and lake stay as they are.

    Returns
    -------
    Every listed name with its word, `fetched` also where landing had the same bytes already.
    """
    clock, station_id = clock or Clock(), session.endpoint.station_id
    here = Held()

    def choose() -> tuple[list[Choice], datetime]:
        nonlocal here
        listings, listed_at = _list(session, rules, clock), clock.now()
        here = read_held(place.landing, place.lake, station_id, versions_of(listings))
        return select_logs(listings, here.versions, max_files), listed_at

    def fetch(choice: Choice) -> Choice:
        return _fetch_log(session, choice, place, rules, here, clock)

    return run_station(
        session,
        place,
        station_folder(place.landing, station_id),
        choose=choose,
        fetch=fetch,
        is_plan=is_plan,
        lock_wait_s=lock_wait_s,
        clock=clock,
        watch=watch or Watch(),
    )


def _list(session: Session, rules: Rules, clock: Clock) -> Mapping[Folder, Sequence[RemoteFile]]:
    """Both folders, the top one first; a station without ``done/`` has not finished a day yet."""

    def listing(directory: str) -> list[RemoteFile]:
        return in_attempts(lambda: session.remote.list_directory(directory), session, rules.attempts, clock=clock)

    directory = session.endpoint.directory
    top = listing(directory)
    try:
        done = listing(posixpath.join(directory, DONE))
    except MissingFileError:
        done = []
    return {"top": [file for file in top if file.is_regular or file.name != DONE], "done": done}


def _fetch_log(session: Session, choice: Choice, place: Place, rules: Rules, here: Held, clock: Clock) -> Choice:
    """Fetch one chosen log; a log without a day lies in the month of its last change."""
    folder, log_name = log_of(choice)
    assert log_name is not None
    name = log_name.base_name
    day = log_name.file_date or (choice.file.modified_at or clock.now()).date()
    target = station_folder(place.landing, session.endpoint.station_id) / folder / f"{day:%Y-%m}"
    own = replace(rules, may_grow=True, find_held=lambda sidecar: find_held(here, folder, name, sidecar))
    return fetch_file(session, choice, target, name, own, clock)
