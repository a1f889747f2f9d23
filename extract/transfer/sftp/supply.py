"""The servers of one station as a backfill uses them: what they list that is not here, and bringing it into landing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from extract.daq.landing import list_files
from extract.daq.name import BadNameError, parse_name
from extract.daq.schema import PARSER_VERSION
from extract.daq.store import list_station, read_stored
from extract.transfer.clock import Clock
from extract.transfer.sftp.download import Rules, download
from extract.transfer.sftp.endpoint import Endpoint, configured_codes, resolve
from extract.transfer.sftp.pending import KIND_OF, FetchResult, Offer, Origin
from extract.transfer.sftp.remote import (
    HostKeyError,
    LoginError,
    LostError,
    MissingFileError,
    RemoteError,
    RemoteFile,
)
from extract.transfer.sftp.session import Open, Session, opener
from extract.transfer.sftp.window import read_windows, unusual_names
from extract.transfer.stations import Station
from warehouse.settings import Settings

MAX_FILE_BYTES = 1 << 30
MAX_LOST = 2
"""Files in a row that a connection may be lost for before its server is left alone."""


class StationSupply:
    """The configured servers of a station; a connection lives as long as one call.

    Parameters
    ----------
    endpoints
        Where the sources lie, by origin.
    open_remote
        How a connection is made; as the settings say without it.
    """

    def __init__(
        self,
        settings: Settings,
        endpoints: Mapping[Origin, Endpoint],
        clock: Clock | None = None,
        open_remote: Open | None = None,
    ) -> None:
        self.origins: Sequence[Origin] = list(endpoints)
        self._settings, self._endpoints, self._clock = settings, endpoints, clock or Clock()
        self._open = open_remote or opener(settings.acquire)

    def fetchable(self, origin: Origin, *, is_fresh: bool, is_stored: bool) -> Offer:
        """What the server has and neither landing nor lake hold."""
        endpoint = self._endpoints[origin]
        with Session(endpoint, self._open) as session:
            listed = session.remote.list_directory(endpoint.directory)
        paths = self._settings.paths
        held = find_held(paths.landing, paths.lake, endpoint.station_id)
        acquire = self._settings.acquire
        files = select(listed, endpoint, held, self._clock.now(), acquire.min_age_s)
        if origin != "archive" or acquire.hld_window == "off":
            return Offer(files)
        names = [(parse_name(file.name), file.size) for file in select(listed, endpoint, NOTHING_HELD)]
        unusual = unusual_names(names, read_windows().get(endpoint.station_id))
        if acquire.hld_window == "filter":
            return Offer([file for file in files if parse_name(file.name).base_name not in unusual])
        return Offer(files, unusual)

    def fetch(self, origin: Origin, files: Sequence[RemoteFile], goes_on: Callable[[], bool]) -> Iterator[FetchResult]:
        """Bring files whose names were checked into landing, one by one while ``goes_on`` says so.

        Raises
        ------
        RemoteError
            When the server cannot be used; `LandingError` when this machine's disk cannot.
        """
        acquire = self._settings.acquire
        rules = Rules(acquire.attempts, acquire.remote_hash)
        n_lost = 0
        with Session(self._endpoints[origin], self._open) as session:
            for file in files:
                if not goes_on():
                    return
                raw = parse_name(file.name)
                folder = self._settings.paths.landing / KIND_OF[origin] / f"station={raw.station_id}"
                try:
                    download(session, file, folder / f"{raw.start_time:%Y-%m}", file.name, rules, clock=self._clock)
                except MissingFileError as error:
                    yield FetchResult(file, "vanished", str(error))
                except (HostKeyError, LoginError):
                    raise
                except RemoteError as error:
                    n_lost = n_lost + 1 if isinstance(error, LostError) else 0
                    if n_lost == MAX_LOST:
                        raise
                    yield FetchResult(file, "failed", str(error))
                else:
                    n_lost = 0
                    yield FetchResult(file, "fetched")


@dataclass(frozen=True)
class Held:
    """What is here of a station: base names and kinds, in landing or lake."""

    kinds: frozenset[tuple[str, str]]


def find_held(landing: Path, lake: Path, station_id: int) -> Held:
    """Look into landing, and into the lake for files that left landing."""
    groups = list_files(landing, station_id).groups
    files = [file for group in groups.values() for file in group]
    kinds = {(file.name.base_name, file.name.kind or "dat") for file in files}
    for base_name, entries in list_station(lake, station_id).files.items():
        if base_name not in groups:
            rows = [read_stored(entry.path).row for entry in entries if entry.parser_version == PARSER_VERSION]
            kinds |= {(base_name, row["source_kind"]) for row in rows}
    return Held(frozenset(kinds))


NOTHING_HELD = Held(frozenset())


def select(
    listed: Sequence[RemoteFile],
    endpoint: Endpoint,
    held: Held,
    now: datetime = datetime.max,
    min_age_s: float = 0,
) -> list[RemoteFile]:
    """The listed files to fetch: of the station, finished, of a wanted name, and not here."""
    kind = endpoint.source
    found = []
    for file in listed:
        is_wanted = any(fnmatchcase(file.name, pattern) for pattern in endpoint.include)
        if not is_wanted or any(fnmatchcase(file.name, pattern) for pattern in endpoint.exclude):
            continue
        try:
            raw = parse_name(file.name)
        except BadNameError:
            continue
        is_old = file.modified_at is None or (now - file.modified_at).total_seconds() >= min_age_s
        is_ours = raw.station_id == endpoint.station_id and raw.file_name == file.name and raw.version_number == 1
        is_sound = file.is_regular and 0 < file.size <= MAX_FILE_BYTES
        if is_ours and is_sound and is_old and (raw.base_name, kind) not in held.kinds:
            found.append(file)
    return found


def open_supplies(settings: Settings, stations: Iterable[Station], origin: Origin | None) -> dict[int, StationSupply]:
    """The servers of the stations, by station number; only those that are configured, and only of ``origin``.

    Raises
    ------
    ConfigurationError
        When an entry is not complete.
    """
    supplies = {}
    for station in stations:
        endpoints = {
            place: resolve(settings, station.station_code, source)
            for place, source in KIND_OF.items()
            if origin in (None, place) and station.station_code in configured_codes(settings, source)
        }
        if endpoints:
            supplies[station.station_id] = StationSupply(settings, endpoints)
    return supplies
