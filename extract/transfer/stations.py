"""The stations of the seed `station`, for what must know codes and positions before any database exists."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import cos, hypot, radians
from pathlib import Path

from warehouse.paths import PROJECT_ROOT

SEED = PROJECT_ROOT / "seeds" / "station.csv"
AREA_TOLERANCE_DEG = 0.25


class UnknownStationError(Exception):
    """A station code or number that is not in the seed."""


@dataclass(frozen=True)
class Station:
    """The newest dated row of a station: number, code, degrees north and east, and whether it is in use."""

    station_id: int
    station_code: str
    latitude_deg: float
    longitude_deg: float
    is_enabled: bool

    @property
    def position(self) -> tuple[float, float]:
        """Latitude and longitude, degrees."""
        return self.latitude_deg, self.longitude_deg


def read_stations(seed: Path = SEED) -> dict[int, Station]:
    """All stations by number, each with its newest dated row."""
    with seed.open(newline="", encoding="utf-8") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["valid_from"])
    return {
        int(row["station_id"]): Station(
            station_id=int(row["station_id"]),
            station_code=row["station_code"],
            latitude_deg=float(row["latitude_deg"]),
            longitude_deg=float(row["longitude_deg"]),
            is_enabled=row["is_enabled"].strip().lower() == "true",
        )
        for row in rows
    }


@dataclass(frozen=True)
class Site:
    """Where a station stands (degrees north and east) from one day to another, both inclusive; None: until now."""

    position: tuple[float, float]
    first_day: date
    last_day: date | None


def read_sites(seed: Path = SEED) -> dict[int, list[Site]]:
    """The sites of all stations by number, oldest first."""
    with seed.open(newline="", encoding="utf-8") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["valid_from"])
    sites: dict[int, list[Site]] = {}
    for row in rows:
        position = float(row["latitude_deg"]), float(row["longitude_deg"])
        last_day = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
        sites.setdefault(int(row["station_id"]), []).append(
            Site(position, date.fromisoformat(row["valid_from"]), last_day)
        )
    return sites


def sites_to_fetch(seed: Path = SEED) -> dict[int, list[Site]]:
    """The sites of the stations something is fetched for: in use and not simulated."""
    used = {station.station_id for station in read_stations(seed).values() if station.is_enabled}
    return {number: sites for number, sites in sorted(read_sites(seed).items()) if number in used and number != 0}


def site_on(sites: Sequence[Site], day: date) -> Site | None:
    """The site in force on a day, the newest where several are; None where the station stood nowhere."""
    return next((s for s in reversed(sites) if s.first_day <= day and (s.last_day is None or day <= s.last_day)), None)


def find_station(word: str, stations: Mapping[int, Station]) -> Station:
    """The station called by its code (any case) or its number.

    Raises
    ------
    UnknownStationError
        With the list of known codes.
    """
    for station in stations.values():
        if word.strip().upper() in (station.station_code.upper(), str(station.station_id)):
            return station
    known = ", ".join(station.station_code for station in stations.values())
    raise UnknownStationError(f"unknown station {word!r}; known are {known}")


def is_near(
    latitude_deg: float, longitude_deg: float, position: tuple[float, float], tolerance_deg: float = AREA_TOLERANCE_DEG
) -> bool:
    """Whether a point lies within the tolerance of a position, latitude and longitude apart, across the date line."""
    difference = (longitude_deg - position[1] + 180.0) % 360.0 - 180.0
    slack = 1e-6
    return abs(latitude_deg - position[0]) <= tolerance_deg + slack and abs(difference) <= tolerance_deg + slack


def stations_near(latitude_deg: float, longitude_deg: float, stations: Iterable[Station]) -> list[Station]:
    """Stations, simulated ones left out, within the tolerance of a point, the nearest first."""

    def distance_deg(station: Station) -> float:
        difference = (longitude_deg - station.longitude_deg + 180.0) % 360.0 - 180.0
        return hypot(latitude_deg - station.latitude_deg, difference * cos(radians(latitude_deg)))

    near = [s for s in stations if s.station_id != 0 and is_near(latitude_deg, longitude_deg, s.position)]
    return sorted(near, key=distance_deg)
