"""Whether a station can be fetched from: log in, list, read one file, look at logs, clock, disk, logbook and ERA5 box.

Nothing is written, here or there.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from extract.daq.container import open_content
from extract.daq.logbook import InvalidLogbookError, parse_logbook
from extract.daq.name import BadNameError, RawName, is_ignored, parse_name
from extract.daq.parser import parse_content
from extract.era5.request import area_of
from extract.lab.name import KINDS, parse_log_name
from extract.lab.read import read_log
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import MissingFileError, Remote, RemoteDisk, RemoteError, RemoteFile
from extract.transfer.sftp.session import Open
from extract.transfer.stations import Site, is_near, site_on
from warehouse.settings import ConfigurationError

State = Literal["ok", "warning", "failed"]

MAX_EVENT_BYTES = 256 << 20
MAX_LOG_BYTES = 16 << 20
QUIET_EVENTS = timedelta(hours=2)
CADENCE = {kind: timedelta(minutes=5 if kind in ("rates", "computer") else 15) for kind in KINDS if kind != "weight"}
"""How often the kinds that programs write get a row; the weight is typed by a person."""
SLACK = timedelta(minutes=15)
AHEAD_WARNING, AHEAD_FAILED = timedelta(seconds=60), timedelta(seconds=600)
MIN_FREE_WARNING, MIN_FREE_FAILED = 0.10, 0.02


@dataclass(frozen=True)
class Line:
    """One thing that was looked at; ``detail`` is for a person."""

    name: str
    state: State
    detail: str


@dataclass(frozen=True)
class Subject:
    """What is checked: endpoints as the settings resolve them, sites, rows of the seed, a sheet that can be asked for.

    ``now`` is naive UTC. ``resolve`` raises `ConfigurationError`; ``fetch_sheet`` gives the logbook sheet, None where
    none is configured, and raises `RemoteError`; ``configurations`` are first and last days of the known ones.
    """

    station_id: int
    station_code: str
    now: datetime
    resolve: Callable[[Literal["dat", "log"]], Endpoint]
    open_remote: Open
    sites: list[Site]
    half_width_deg: float
    fetch_sheet: Callable[[], bytes] | None
    configurations: list[tuple[str, str]]
    min_age: timedelta


@runtime_checkable
class _TellsDisk(Protocol):
    def disk(self, directory: str) -> RemoteDisk | None: ...


def check(subject: Subject) -> Iterator[Line]:
    """Look at everything, one line after the other; one failure does not keep the rest from being looked at."""
    with ExitStack() as stack:
        yield from _remote_lines(subject, stack)
    yield _logbook_line(subject)
    yield _era5_line(subject)


def _remote_lines(subject: Subject, stack: ExitStack) -> Iterator[Line]:
    remotes: dict[tuple[str, int, str], Remote] = {}
    opened: dict[str, tuple[Endpoint, Remote]] = {}
    sources: tuple[Literal["dat", "log"], ...] = ("dat", "log")
    for source in sources:
        try:
            endpoint = subject.resolve(source)
            address = endpoint.host, endpoint.port, endpoint.user
            if address not in remotes:
                remotes[address] = stack.enter_context(subject.open_remote(endpoint))
                yield Line("login", "ok", f"{endpoint.user} at {remotes[address].host}")
            opened[source] = endpoint, remotes[address]
        except (RemoteError, ConfigurationError) as error:
            yield Line("login", "failed", f"{source}: {error}")
            if isinstance(error, RemoteError):
                break
    if "dat" in opened:
        yield from _event_lines(subject, *opened["dat"])
    if "log" in opened:
        yield from _log_lines(subject, *opened["log"])
    if "dat" in opened:
        yield _disk_line(*opened["dat"])


def _event_lines(subject: Subject, endpoint: Endpoint, remote: Remote) -> Iterator[Line]:
    try:
        entries = remote.list_directory(endpoint.directory)
    except RemoteError as error:
        yield Line("events listed", "failed", str(error))
        return
    named = sorted(_own_files(subject.station_id, entries), key=lambda pair: pair[0].start_time)
    detail = f"{len(named):,} files of this station among {len(entries):,} names in {endpoint.directory}"
    if not named:
        yield Line("events listed", "warning", detail)
        yield Line("event file", "failed", "there is none to read")
        return
    age = subject.now - named[-1][0].start_time
    state: State = "warning" if age > QUIET_EVENTS else "ok"
    yield Line("events listed", state, f"{detail}; the newest began {_ago(age)}")
    yield _event_file_line(subject, endpoint, remote, named)


def _own_files(station_id: int, entries: Iterable[RemoteFile]) -> Iterator[tuple[RawName, RemoteFile]]:
    for entry in entries:
        if not entry.is_regular or "/" in entry.name or is_ignored(entry.name):
            continue
        try:
            name = parse_name(entry.name)
        except BadNameError:
            continue
        if name.station_id == station_id and name.kind != "hld":
            yield name, entry


def _event_file_line(
    subject: Subject, endpoint: Endpoint, remote: Remote, named: list[tuple[RawName, RemoteFile]]
) -> Line:
    whole = [
        (name, entry)
        for name, entry in named
        if 0 < entry.size <= MAX_EVENT_BYTES
        and (entry.modified_at is None or subject.now - entry.modified_at >= subject.min_age)
    ]
    if not whole:
        return Line("event file", "warning", "none is old enough, not empty and of usual size")
    name, entry = whole[-1]
    try:
        result = _parsed(_pieces(remote, endpoint.directory, entry.name, MAX_EVENT_BYTES), name)
    except (RemoteError, OSError) as error:
        return Line("event file", "failed", f"{name.file_name}: {error}")
    n_events, n_rejects = result
    if n_events is None:
        return Line("event file", "failed", f"{name.file_name}: {n_rejects}")
    return Line("event file", "ok", f"{name.file_name}: {n_events:,} events, {n_rejects} rejected lines")


def _parsed(pieces: Iterable[bytes], name: RawName) -> tuple[int | None, str]:
    """Events and rejects of a file that is kept in memory only; None and the reason where it cannot be read."""
    descriptor = os.memfd_create(name.base_name)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            for piece in pieces:
                stream.write(piece)
        result = parse_content(open_content(Path(f"/proc/self/fd/{descriptor}"), name))
    finally:
        os.close(descriptor)
    if result.status != "ok":
        return None, f"{result.status} {result.detail or ''}".strip()
    return result.events.num_rows, f"{result.rejects.num_rows:,}"


def _pieces(remote: Remote, directory: str, name: str, max_bytes: int) -> Iterator[bytes]:
    left = max_bytes
    for piece in remote.read(directory, name):
        left -= len(piece)
        if left < 0:
            raise RemoteError(f"more than {max_bytes:,} bytes; not read further")
        yield piece


def _log_lines(subject: Subject, endpoint: Endpoint, remote: Remote) -> Iterator[Line]:
    done = f"{endpoint.directory.rstrip('/')}/done"
    try:
        entries = [(endpoint.directory, entry) for entry in remote.list_directory(endpoint.directory)]
    except RemoteError as error:
        yield Line("logs listed", "failed", str(error))
        return
    try:
        entries += [(done, entry) for entry in remote.list_directory(done)]
    except MissingFileError:
        yield Line("logs listed", "warning", f"{len(entries):,} names in {endpoint.directory}; no folder done/")
    except RemoteError as error:
        yield Line("logs listed", "failed", str(error))
    else:
        yield Line("logs listed", "ok", f"{len(entries):,} names in {endpoint.directory} and done/")
    newest: dict[str, datetime] = {}
    for kind in KINDS:
        line, read_at = _kind_line(subject, remote, kind, entries)
        yield line
        if read_at is not None:
            newest[kind] = read_at
    yield _clock_line(subject, newest)


def _kind_line(
    subject: Subject, remote: Remote, kind: str, entries: list[tuple[str, RemoteFile]]
) -> tuple[Line, datetime | None]:
    title = f"log {kind}"
    files = []
    for folder, entry in entries:
        name = parse_log_name(entry.name) if entry.is_regular else None
        if name is not None and name.kind == kind and 0 < entry.size <= MAX_LOG_BYTES:
            files.append((name.file_date or subject.now.date(), folder, entry, name))
    if not files:
        is_needed = kind in CADENCE
        return Line(title, "warning" if is_needed else "ok", "no file" + ("" if is_needed else ", as is usual")), None
    _, folder, entry, name = max(files, key=lambda file: (file[0], file[2].size))
    try:
        content = b"".join(_pieces(remote, folder, entry.name, MAX_LOG_BYTES))
    except RemoteError as error:
        return Line(title, "failed", f"{name.base_name}: {error}"), None
    # a clock that is ahead shall be seen, so that rows of the future are read here
    outcome = read_log(content, kind, name.file_date, subject.now + timedelta(days=1), "top")
    values = [value for _, table in outcome.tables for value in table["read_at"].to_pylist()]
    times = [value for value in values if isinstance(value, datetime)]
    if not times:
        return Line(title, "failed", f"{name.base_name}: none of {outcome.counts.n_lines:,} lines can be read"), None
    age = subject.now - max(times)
    is_late = kind in CADENCE and age > CADENCE[kind] + SLACK
    detail = f"{name.base_name}: {len(times):,} rows, the newest {_ago(age)}"
    return Line(title, "warning" if is_late else "ok", detail), max(times)


def _clock_line(subject: Subject, newest: dict[str, datetime]) -> Line:
    """The station's clock against ours, by the newest row of the logs with the shortest cadence.

    A row of the future says that the clock is ahead; a clock behind cannot be told from a log that stopped.
    """
    short = [newest[kind] for kind in ("rates", "computer") if kind in newest] or [
        read_at for kind, read_at in newest.items() if kind in CADENCE
    ]
    if not short:
        return Line("clock", "warning", "no log to read it from")
    lag = subject.now - max(short)
    if lag < -AHEAD_WARNING:
        state: State = "failed" if lag < -AHEAD_FAILED else "warning"
        return Line("clock", state, f"the station's clock is {_seconds(-lag)} ahead: look at its time service")
    if lag > timedelta(minutes=5) + SLACK:
        return Line("clock", "warning", f"the newest row is {_ago(lag)}: the clock is behind, or the logs stopped")
    return Line("clock", "ok", f"newest row {_ago(lag)}")


def _disk_line(endpoint: Endpoint, remote: Remote) -> Line:
    try:
        disk = remote.disk(endpoint.directory) if isinstance(remote, _TellsDisk) else None
    except RemoteError as error:
        return Line("disk", "warning", str(error))
    if disk is None or disk.size <= 0:
        return Line("disk", "warning", "the server does not tell its free space")
    shares = [disk.free / disk.size]
    if disk.n_files > 0:
        shares.append(disk.n_free_files / disk.n_files)
    free = min(shares)
    state: State = "failed" if free < MIN_FREE_FAILED else "warning" if free < MIN_FREE_WARNING else "ok"
    names = f", {100 * shares[1]:.0f} % of the file entries" if len(shares) > 1 else ""
    return Line("disk", state, f"{disk.free / 2**30:,.1f} GiB free ({100 * shares[0]:.0f} %{names})")


def _logbook_line(subject: Subject) -> Line:
    today = subject.now.date().isoformat()
    spans, where = subject.configurations, "the seed station_configuration"
    if subject.fetch_sheet is not None:
        try:
            sheet = parse_logbook(subject.fetch_sheet(), subject.station_id)
        except (RemoteError, ConfigurationError, InvalidLogbookError) as error:
            return Line("logbook", "failed", str(error))
        spans = [(str(row["valid_from"]), str(row["valid_to"] or "")) for row in sheet.rows]
        where = "the logbook"
    if any(first <= today and (not last or last >= today) for first, last in spans):
        state: State = "ok" if subject.fetch_sheet is not None else "warning"
        hint = "" if state == "ok" else "; no logbook is configured"
        return Line("logbook", state, f"{where} has a configuration for {today}{hint}")
    return Line("logbook", "warning", f"{where} has no configuration for {today}; the one before is used")


def _era5_line(subject: Subject) -> Line:
    site = site_on(subject.sites, subject.now.date())
    if site is None:
        return Line("ERA5 box", "failed", "the seed station has no position for today")
    north, west, south, east = area_of(site.position, subject.half_width_deg)
    centre, half = ((north + south) / 2, (west + east) / 2), max(north - south, east - west) / 2
    is_inside = south <= site.position[0] <= north and is_near(*site.position, centre, half)
    box = f"{south:g}..{north:g} N, {west:g}..{east:g} E"
    if not is_inside:
        return Line("ERA5 box", "failed", f"{box} misses the site")
    if north > 90 or south < -90 or west < -180 or east > 180:
        return Line("ERA5 box", "warning", f"{box} contains the site and leaves the map: the service may refuse it")
    return Line("ERA5 box", "ok", f"{box} contains the site")


def _ago(age: timedelta) -> str:
    return f"{_seconds(age)} ago" if age >= timedelta(0) else f"{_seconds(-age)} in the future"


def _seconds(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    if seconds < 180:
        return f"{seconds} s"
    if seconds < 3 * 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 3 * 86_400 else f"{seconds // 86_400} d"
