"""The network a person asks to be simulated: the demo's stations, and any other one as the seeds describe it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from extract.station.add import rows_of
from extract.station.csv_text import parse_csv
from extract.transfer.stations import read_stations
from simulate.config import DEMO_STATIONS, NetworkConfig, StationConfig, demo_network
from warehouse.paths import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "seeds"


class UnknownNumberError(Exception):
    """A station number that no seed knows; the message lists those that are known."""


def network_of(stations: Sequence[int], seed: int, seeds: Path = SEEDS) -> NetworkConfig:
    """The demo's network of one day, with the stations asked for.

    Raises
    ------
    UnknownNumberError
        For a number that is in no seed.
    """
    numbers = sorted(set(stations))
    configs = tuple(DEMO_STATIONS[n] if n in DEMO_STATIONS else station_of_seeds(n, seeds) for n in numbers)
    return replace(demo_network(1, tuple(DEMO_STATIONS), seed), stations=configs)


def station_of_seeds(number: int, seeds: Path = SEEDS) -> StationConfig:
    """A detector like the demo's, at the place of a station, with the heights of its newest configuration.

    Raises
    ------
    UnknownNumberError
        For a number that is not in the seed `station`.
    """
    known = read_stations(seeds / "station.csv")
    if number not in known:
        raise UnknownNumberError(f"no station {number} in seeds/station.csv; known are {sorted(known)}")
    site = _rows(seeds, "station", number)[-1]
    config = replace(
        DEMO_STATIONS[min(DEMO_STATIONS)],
        station_id=number,
        offsets="random",
        conf_number=1,
        city=site["city"],
        latitude_deg=float(site["latitude_deg"]),
        longitude_deg=float(site["longitude_deg"]),
        reference_pressure_hpa=float(site["reference_pressure_hpa"]),
    )
    configurations = _rows(seeds, "station_configuration", number)
    if not configurations:
        return config
    newest = configurations[-1]
    z_mm = [float(newest[f"z_plane_{plane}_mm"]) for plane in range(1, 5)]
    return replace(
        config,
        z_mm=(0.0, z_mm[1] - z_mm[0], z_mm[2] - z_mm[0], z_mm[3] - z_mm[0]),
        conf_number=int(float(newest["conf_number"])),
    )


def _rows(seeds: Path, name: str, number: int) -> list[dict[str, str]]:
    return rows_of(parse_csv((seeds / f"{name}.csv").read_bytes().decode()), number)
