"""Which NMDB requests are needed: the last days again, because monitors revise them, and older days without a row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from extract.nmdb.header import PRODUCT_OF_DTYPE
from warehouse.settings import Nmdb

TABLE = "revori"


@dataclass(frozen=True)
class Query:
    """What is asked for of each block: a quantity of some monitors, at a resolution in minutes."""

    dtype: str
    stations: tuple[str, ...]
    resolution_min: int

    @property
    def product(self) -> str:
        """Product, the folder in landing."""
        return PRODUCT_OF_DTYPE[self.dtype]


QUERIES = (
    Query(
        "corr_for_efficiency",
        ("MXCO", "KIEL2", "SOPO", "MOSC", "ICRB", "LMKS", "ICRO", "CALM", "INVK", "OULU"),
        10,
    ),
    Query("uncorrected", ("OULU",), 60),
    Query("pressure_mbar", ("OULU",), 60),
)


@dataclass(frozen=True)
class Block:
    """One request: a query over days, both inclusive."""

    query: Query
    first_day: date
    last_day: date

    @property
    def name(self) -> str:
        """First part of the names of its files."""
        return f"{self.query.dtype}_{self.first_day:%Y%m%d}_{self.last_day:%Y%m%d}"

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Parameters in the order the service's own page has them; the dates are explicit, never "the last days"."""
        first, last = self.first_day, self.last_day
        return [
            ("wget", "1"),
            *(("stations[]", station) for station in self.query.stations),
            ("output", "ascii"),
            ("tabchoice", TABLE),
            ("dtype", self.query.dtype),
            ("tresolution", str(self.query.resolution_min)),
            ("force", "1"),
            ("yunits", "0"),
            ("date_choice", "bydate"),
            *((f"start_{part}", word) for part, word in _words(first, "00", "00")),
            *((f"end_{part}", word) for part, word in _words(last, "23", "59")),
        ]

    @property
    def request(self) -> dict[str, Any]:
        """The parameters as the sidecar keeps them."""
        single = {name: word for name, word in self.parameters if name != "stations[]"}
        return {"stations[]": list(self.query.stations), **single}


def plan(held: Mapping[str, set[date]], today: date, settings: Nmdb) -> list[Block]:
    """Requests of one run, the newest first.

    Parameters
    ----------
    held
        Days with a row, by dtype.
    today
        The UTC day of the run; it is asked for too, as far as it has gone.
    """
    window_start = today - timedelta(days=settings.refresh_days - 1)
    days = [settings.start_date + timedelta(days=n) for n in range((today - settings.start_date).days + 1)]
    blocks = [
        Block(query, first, last)
        for query in QUERIES
        for first, last in _runs(
            (day for day in days if day >= window_start or day not in held.get(query.dtype, set())), settings
        )
    ]
    return sorted(blocks, key=lambda block: -block.first_day.toordinal())


def _runs(days: Iterable[date], settings: Nmdb) -> Iterable[tuple[date, date]]:
    """First and last of consecutive days, cut where a block of the calendar from the start date ends."""

    def run_of(item: tuple[int, date]) -> tuple[int, int]:
        position, day = item
        return day.toordinal() - position, (day - settings.start_date).days // settings.block_days

    for _, group in groupby(enumerate(days), key=run_of):
        members = [day for _, day in group]
        yield members[0], members[-1]


def _words(day: date, hour: str, minute: str) -> list[tuple[str, str]]:
    return [
        ("year", f"{day:%Y}"),
        ("month", f"{day:%m}"),
        ("day", f"{day:%d}"),
        ("hour", hour),
        ("min", minute),
    ]
