"""Which ERA5 requests are needed: from wanted and held hours to requests, without asking anybody.

A request never crosses a month, so that its lists of years, months and days name the wanted days and no others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from extract.transfer.stations import Site, site_on
from warehouse.settings import Era5

MAX_BLOCK_DAYS = 31
ALL_HOURS = tuple(range(24))
PRELIMINARY, MISSING = "preliminary", "missing"

# all pressure levels of ERA5, hPa
PROFILE_LEVELS_HPA = (
    *(1, 2, 3, 5, 7, 10, 20, 30, 50, 70),
    *range(100, 250, 25),
    *range(250, 750, 50),
    *range(750, 1001, 25),
)

Area = tuple[float, float, float, float]
"""North, west, south, east, degrees."""


@dataclass(frozen=True)
class Product:
    """What one kind of request asks for; ``levels_hpa`` is empty at the surface."""

    name: str
    dataset: str
    variables: tuple[str, ...]
    levels_hpa: tuple[int, ...] = ()

    @property
    def n_fields_an_hour(self) -> int:
        """Fields of one hour, in the units of the service's limit."""
        return len(self.variables) * max(len(self.levels_hpa), 1)


PRODUCTS = {
    product.name: product
    for product in (
        Product("single", "reanalysis-era5-single-levels", ("2m_temperature", "surface_pressure")),
        Product("pl100", "reanalysis-era5-pressure-levels", ("temperature", "geopotential"), (100,)),
        Product("profile", "reanalysis-era5-pressure-levels", ("temperature",), PROFILE_LEVELS_HPA),
    )
}
_RANK = {name: rank for rank, name in enumerate(PRODUCTS)}


@dataclass(frozen=True)
class DayState:
    """What the lake holds of one day and product: hours, those of them that are final, time of the newest fetch."""

    hours: frozenset[int]
    final_hours: frozenset[int]
    fetched_at: datetime


Held = Mapping[tuple[int, str], Mapping[date, DayState]]
"""States of the days by (station, product)."""


@dataclass(frozen=True)
class Request:
    """One request: consecutive days of one month, for one station and product."""

    station_id: int
    product: str
    days: tuple[date, ...]
    hours: tuple[int, ...]
    area: Area
    is_recheck: bool = False

    @property
    def name(self) -> str:
        """First part of the names of its files."""
        return f"{self.product}_{self.days[0]:%Y%m%d}_{self.days[-1]:%Y%m%d}"

    @property
    def label(self) -> str:
        """Station and name, for a person."""
        return f"station {self.station_id} {self.name}"

    @property
    def dataset(self) -> str:
        """The service's dataset."""
        return PRODUCTS[self.product].dataset

    @property
    def levels_hpa(self) -> tuple[int, ...]:
        """Pressure levels asked for."""
        return PRODUCTS[self.product].levels_hpa

    @property
    def n_fields(self) -> int:
        """Size in the units of the service's limit."""
        return PRODUCTS[self.product].n_fields_an_hour * len(self.hours) * len(self.days)

    @property
    def body(self) -> dict[str, Any]:
        """The request as the service reads it."""
        first = self.days[0]
        levels = {"pressure_level": [str(level) for level in self.levels_hpa]} if self.levels_hpa else {}
        return {
            "product_type": ["reanalysis"],
            "variable": list(PRODUCTS[self.product].variables),
            "year": f"{first:%Y}",
            "month": f"{first:%m}",
            "day": [f"{day:%d}" for day in self.days],
            "time": [f"{hour:02}:00" for hour in self.hours],
            **levels,
            "area": list(self.area),
            "data_format": "netcdf",
            "download_format": "unarchived",
        }

    @classmethod
    def from_body(cls, station_id: int, product: str, body: Mapping[str, Any]) -> "Request":
        """The request behind a body written earlier.

        Raises
        ------
        ValueError
            When it is none of ours.
        """
        try:
            year, month = int(body["year"]), int(body["month"])
            days = tuple(sorted(date(year, month, int(day)) for day in body["day"]))
            hours = tuple(sorted(int(str(hour).removesuffix(":00")) for hour in body["time"]))
            north, west, south, east = (float(edge) for edge in body["area"])
            if not days or not hours or product not in PRODUCTS:
                raise ValueError("no days, no hours or no such product")
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a request: {error!r}") from error
        return cls(station_id, product, days, hours, (north, west, south, east))

    def halves(self) -> tuple["Request", ...]:
        """The request in two; itself where it is one day."""
        middle = (len(self.days) + 1) // 2
        parts = (self.days[:middle], self.days[middle:])
        return tuple(replace(self, days=part) for part in parts if part)


@dataclass(frozen=True)
class Plan:
    """Requests in the order they are sent, and a line for each station and product whose final data are overdue."""

    requests: list[Request]
    overdue: list[str]


def area_of(position: tuple[float, float], half_width_deg: float) -> Area:
    """The box around a position (latitude and longitude, degrees), to four decimals."""
    north, south = position[0] + half_width_deg, position[0] - half_width_deg
    west, east = position[1] - half_width_deg, position[1] + half_width_deg
    return round(north, 4), round(west, 4), round(south, 4), round(east, 4)


def hours_of(product: str, settings: Era5) -> tuple[int, ...]:
    """UTC hours wanted of each day."""
    return tuple(settings.profile_hours) if product == "profile" else ALL_HOURS


def block_days(product: str, settings: Era5) -> int:
    """Days of a full request."""
    fields_a_day = PRODUCTS[product].n_fields_an_hour * len(hours_of(product, settings))
    return max(1, min(MAX_BLOCK_DAYS, settings.max_fields_per_request // fields_a_day))


def wanted_days(sites: Sequence[Site], now: datetime, settings: Era5) -> list[date]:
    """Whole days from the start to the day before (now - latency) on which the station stands somewhere."""
    first = max(settings.start_date, sites[0].first_day)
    last = (now - timedelta(days=settings.latency_days)).date() - timedelta(days=1)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if site_on(sites, day) is not None]


def plan(sites: Mapping[int, Sequence[Site]], held: Held, now: datetime, settings: Era5) -> Plan:
    """The requests for what is missing, then for what is still preliminary.

    Order: missing before preliminary, newest month first, then product, station, newest days first.
    """
    requests: list[Request] = []
    overdue = []
    for station_id, station_sites in sites.items():
        days = wanted_days(station_sites, now, settings)
        for product in settings.products:
            states = held.get((station_id, product), {})
            missing = _missing(days, states, hours_of(product, settings))
            preliminary = [day for day in days if day not in missing and not _is_final(states[day], product, settings)]
            rechecked = _due(preliminary, states, block_days(product, settings), now, settings)
            for part, is_recheck in ((sorted(missing), False), (rechecked, True)):
                requests += _requests(station_id, product, part, is_recheck, station_sites, settings)
            late = [day for day in preliminary if (now.date() - day).days > settings.final_overdue_days]
            if late:
                overdue.append(
                    f"station {station_id} {product}: {len(late)} days from {late[0]} to {late[-1]} are still"
                    f" preliminary after {settings.final_overdue_days} days"
                )
    return Plan(sorted(requests, key=_order), overdue)


def _missing(days: Iterable[date], states: Mapping[date, DayState], hours: Sequence[int]) -> set[date]:
    return {day for day in days if day not in states or not states[day].hours.issuperset(hours)}


def _is_final(state: DayState, product: str, settings: Era5) -> bool:
    return state.final_hours.issuperset(hours_of(product, settings))


def _due(
    preliminary: Sequence[date], states: Mapping[date, DayState], n_days: int, now: datetime, settings: Era5
) -> list[date]:
    """The preliminary days of the blocks that are old enough and were not asked for lately."""
    due: list[date] = []
    for (year, month, number), group in groupby(preliminary, key=lambda day: _block(day, n_days)):
        days = list(group)
        in_block = [state for day, state in states.items() if _block(day, n_days) == (year, month, number)]
        is_old = (now.date() - _last_day(days[0], n_days)).days > settings.final_check_after_days
        last_fetch = max(state.fetched_at for state in in_block)
        if is_old and now - last_fetch >= timedelta(days=settings.recheck_every_days):
            due += days
    return due


def _block(day: date, n_days: int) -> tuple[int, int, int]:
    """Year, month and number of the block of a day; blocks begin at day 1, 1 + n, 1 + 2n, ... of a month."""
    return day.year, day.month, (day.day - 1) // n_days


def _last_day(day: date, n_days: int) -> date:
    """Last calendar day of the block of a day."""
    first = day.replace(day=1 + (day.day - 1) // n_days * n_days)
    end_of_month = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return min(first + timedelta(days=n_days - 1), end_of_month)


def _requests(
    station_id: int,
    product: str,
    days: Sequence[date],
    is_recheck: bool,
    sites: Sequence[Site],
    settings: Era5,
) -> Iterable[Request]:
    """One request for each run of consecutive days of one block and one site."""
    n_days = block_days(product, settings)
    hours = hours_of(product, settings)

    def run_of(item: tuple[int, date]) -> tuple[int, tuple[int, int, int], Area]:
        position, day = item
        site = site_on(sites, day)
        assert site is not None
        return day.toordinal() - position, _block(day, n_days), area_of(site.position, settings.half_width_deg)

    for (_, _, area), group in groupby(enumerate(days), key=run_of):
        yield Request(station_id, product, tuple(day for _, day in group), hours, area, is_recheck)


def _order(request: Request) -> tuple[bool, int, int, int, int]:
    first = request.days[0]
    month = first.year * 12 + first.month
    return request.is_recheck, -month, _RANK[request.product], request.station_id, -first.day
