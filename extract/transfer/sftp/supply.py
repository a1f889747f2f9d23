"""The servers of one station as a backfill uses them: what they list that is not here, and bringing it into landing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from extract.daq.landing import list_files
from extract.daq.name import parse_name
from extract.daq.schema import PARSER_VERSION
from extract.daq.store import list_station
from extract.transfer.clock import Clock
from extract.transfer.place import remove_parts
from extract.transfer.sftp.download import Rules
from extract.transfer.sftp.endpoint import Endpoint, configured_codes, resolve
from extract.transfer.sftp.held import Held, find_held
from extract.transfer.sftp.listing import read_listing, write_listing
from extract.transfer.sftp.pending import KIND_OF, Offer, Origin
from extract.transfer.sftp.plausible import read_plausible
from extract.transfer.sftp.remote import RemoteFile
from extract.transfer.sftp.select import Choice, Looks, Wanted, select_files
from extract.transfer.sftp.session import Open, Session, opener
from extract.transfer.sftp.station import Place, Watch, fetch_choice, list_and_select
from extract.transfer.stations import Station
from warehouse.settings import Settings


@dataclass(frozen=True)
class StationSupply:
    """The configured servers of a station by origin; a connection lives as long as one call.

    ``has_force_hld``: HLD is offered although the text is here.
    """

    settings: Settings
    endpoints: Mapping[Origin, Endpoint]
    open_remote: Open
    has_force_hld: bool = False
    clock: Clock = field(default_factory=Clock)

    @property
    def origins(self) -> Sequence[Origin]:
        """What is configured."""
        return list(self.endpoints)

    @property
    def _place(self) -> Place:
        paths = self.settings.paths
        return Place(paths.landing, paths.lake, self.settings.acquire.min_free_gib)

    def fetchable(self, origin: Origin, *, is_fresh: bool, is_stored: bool) -> Offer:
        """What the newest listing has that is not here.

        A station is listed anew; its archive when the listing is older than ``backfill.listing_max_age_d``.
        """
        endpoint = self.endpoints[origin]
        choices = None if is_fresh or origin == "station" else self._from_listing(endpoint)
        if choices is None:
            with Session(endpoint, self.open_remote) as session:
                choices, listed_at = list_and_select(session, self._wanted(endpoint), self._place, self.clock)
            if is_stored:
                write_listing(self._place.lake, endpoint, choices, listed_at)
        gone = self._outdated(endpoint.station_id, choices)
        chosen = [c for c in choices if c.word == "fetch" or (c.word == "skipped" and _base_name(c) in gone)]
        return Offer([c.file for c in chosen], {_base_name(c) for c in chosen if c.is_implausible})

    def _from_listing(self, endpoint: Endpoint) -> list[Choice] | None:
        """The choices by the listing that was kept; None where it is too old."""
        listing = read_listing(self._place.lake, endpoint.station_id, endpoint.source)
        now, max_age = self.clock.now(), timedelta(days=self.settings.backfill.listing_max_age_d)
        if listing is None or now - listing.listed_at > max_age:
            return None
        wanted = self._wanted(endpoint)
        steady = Looks(frozenset(file.name for file in listing.files))
        names = [choice.name for choice in select_files(listing.files, wanted, Held(), now, steady) if choice.name]
        ours = [name for name in names if name.station_id == endpoint.station_id]
        here = find_held(self._place.landing, self._place.lake, endpoint.station_id, ours)
        return select_files(listing.files, wanted, here, now, steady)

    def _wanted(self, endpoint: Endpoint) -> Wanted:
        acquire = self.settings.acquire
        return Wanted(
            station_id=endpoint.station_id,
            kind="hld" if endpoint.source == "hld" else "dat",
            include=endpoint.include,
            exclude=endpoint.exclude,
            min_age_s=acquire.min_age_s,
            has_force_hld=self.has_force_hld,
            plausible=read_plausible().get(endpoint.station_id),
            hld_window=acquire.hld_window,
        )

    def _outdated(self, station_id: int, choices: Iterable[Choice]) -> set[str]:
        """Base names that left landing and that the lake holds as an older parser read them only."""
        if not any(choice.word == "skipped" for choice in choices):
            return set()
        landed = list_files(self._place.landing, station_id).groups
        lake = list_station(self._place.lake, station_id).files
        return {
            base_name
            for base_name, entries in lake.items()
            if base_name not in landed and all(entry.parser_version != PARSER_VERSION for entry in entries)
        }

    def fetch(self, origin: Origin, files: Sequence[RemoteFile], goes_on: Callable[[], bool]) -> Iterator[Choice]:
        """Bring files into landing one by one while ``goes_on`` says so; only under the lock of the station.

        Raises
        ------
        RemoteError
            When the server cannot be used; `LandingError` when this machine's disk cannot.
        """
        endpoint, acquire = self.endpoints[origin], self.settings.acquire
        rules = Rules(acquire.attempts, acquire.remote_hash)
        remove_parts(self._place.folder(endpoint))
        with Session(endpoint, self.open_remote) as session:
            for file in files:
                if not goes_on():
                    return
                _ = session.remote  # a host that is gone ends this here, not after all attempts at every file
                choice = Choice(file, "fetch", parse_name(file.name))
                yield fetch_choice(session, choice, self._place, rules, self.clock, Watch())


def _base_name(choice: Choice) -> str:
    return choice.name.base_name if choice.name else ""


def open_supplies(
    settings: Settings, stations: Iterable[Station], origin: Origin | None, *, has_force_hld: bool = False
) -> dict[int, StationSupply]:
    """The servers of the stations, by station number; only those that are configured, and only of ``origin``.

    Raises
    ------
    ConfigurationError
        When an entry is not complete.
    """
    open_remote = opener(settings.acquire)
    supplies = {}
    for station in stations:
        endpoints = {
            place: resolve(settings, station.station_code, source)
            for place, source in KIND_OF.items()
            if origin in (None, place) and station.station_code in configured_codes(settings, source)
        }
        if endpoints:
            supplies[station.station_id] = StationSupply(settings, endpoints, open_remote, has_force_hld)
    return supplies
