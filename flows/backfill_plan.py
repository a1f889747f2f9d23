"""What a backfill would do: the files that are pending, in order, and the draw of a random day."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from extract.daq.extract import list_unsettled
from extract.transfer.sftp.draw import Draw, choose, read_draws
from extract.transfer.sftp.order import Mode, day_of, drawable_days, in_order, within
from extract.transfer.sftp.pending import Offer, Origin, Pending, Supply, find_pending
from extract.transfer.sftp.remote import RemoteError
from extract.transfer.stations import Station
from flows.attempts import extract_attempts
from warehouse.settings import Settings


@dataclass(frozen=True)
class Request:
    """What a person asked for; days are UTC and inclusive, None leaves a choice open."""

    stations: tuple[Station, ...]
    mode: Mode
    first: date | None = None
    last: date | None = None
    limit: int = 100
    budget_s: float = 3000.0
    origin: Origin | None = None
    seed: int | None = None
    is_fresh: bool = False
    has_force_hld: bool = False
    has_transform: bool = False

    @property
    def scope(self) -> str:
        """The files a day is drawn among, as one word."""
        codes = ",".join(sorted(station.station_code for station in self.stations))
        return f"{codes} {self.origin or 'all'} {self.first or ''}..{self.last or ''}"


@dataclass
class Plan:
    """The pending files in their order, already cut to the limit; ``n_left`` more wait. ``problems``: place and why."""

    todo: list[Pending] = field(default_factory=list)
    n_left: int = 0
    draw: Draw | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)

    @property
    def n_bytes(self) -> int:
        """Bytes to fetch."""
        return sum(pending.to_fetch_bytes for pending in self.todo)


def make_plan(
    settings: Settings,
    request: Request,
    supplies: Mapping[int, Supply],
    now: datetime,
    new_seed: int,
    *,
    is_stored: bool = True,
) -> Plan:
    """Find what is pending and put it in order; a source that does not answer keeps no other out.

    Parameters
    ----------
    supplies
        The remote sources by station number.
    now
        Naive UTC.
    new_seed
        Seed of a draw nobody gave one for.
    is_stored
        Whether new listings are kept.
    """
    plan = Plan()
    pending = [
        file
        for station in request.stations
        for file in _of_station(settings, request, station, supplies.get(station.station_id), plan, is_stored)
    ]
    if request.mode == "random_day":
        chosen = within(pending, request.first, request.last)
        days = drawable_days(chosen, settings.backfill.from_day, now.date())
        draws = read_draws(settings.paths.backfill)
        plan.draw = choose(draws, days, request.scope, request.seed, new_seed, now)
        pending = [file for file in chosen if plan.draw and day_of(file) == plan.draw.day]
    ordered = in_order(pending, request.mode, request.first, request.last)
    plan.todo, plan.n_left = ordered[: request.limit], max(len(ordered) - request.limit, 0)
    return plan


def _of_station(
    settings: Settings, request: Request, station: Station, supply: Supply | None, plan: Plan, is_stored: bool
) -> list[Pending]:
    fetchable: dict[Origin, Offer] = {}
    for origin in supply.origins if supply else ():
        if request.origin not in (None, origin):
            continue
        try:
            assert supply
            fetchable[origin] = supply.fetchable(origin, is_fresh=request.is_fresh, is_stored=is_stored)
        except RemoteError as error:
            plan.problems.append((f"{station.station_code} {origin}", str(error)))
    paths = settings.paths
    files, unsettled = list_unsettled(paths.landing, paths.lake, station.station_id, extract_attempts(paths))
    return find_pending(fetchable, files, unsettled, request.origin, has_force_hld=request.has_force_hld)


@dataclass
class DayCount:
    """Files of a station and day: to do, fetched, extracted, failed; bytes to fetch or fetched."""

    n_files: int = 0
    n_fetched: int = 0
    n_extracted: int = 0
    n_failed: int = 0
    n_bytes: int = 0


def count_days(plan: Plan, codes: Mapping[int, str]) -> dict[tuple[str, date], DayCount]:
    """What a plan holds by station code and day, in order of these."""
    counts: dict[tuple[str, date], DayCount] = defaultdict(DayCount)
    for pending in plan.todo:
        count = counts[codes[pending.name.station_id], day_of(pending)]
        count.n_files += 1
        count.n_bytes += pending.to_fetch_bytes
    return dict(sorted(counts.items()))
