"""Where in landing a local file belongs, by its kind, and why some belong nowhere."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any

from extract.daq.name import BadNameError, parse_name
from extract.environment_file import Outcome
from extract.era5.container import tell_format
from extract.era5.read import read_era5
from extract.lab.name import parse_log_name
from extract.nmdb.header import PRODUCT_OF_DTYPE, Request
from extract.nmdb.read import read_nmdb
from extract.transfer.kind import LOGBOOK_COLUMNS, logbook_rows
from extract.transfer.place import versions_of, without_version
from extract.transfer.sidecar import is_landing_name, modification_time, now_utc
from extract.transfer.stations import Station, find_station, stations_near

SOURCES = {
    "dat": "dat",
    "hld": "hld",
    "logbook": "logbook",
    "lab_log": "lab_log",
    "era5": "era5_cds",
    "nmdb": "nmdb_nest",
}
_ENDINGS = {"netcdf4": "nc", "classic": "nc", "zip": "zip", "grib": "grib"}
_STATION_FOLDER = re.compile(r"station=([0-9])")


class RefusedError(Exception):
    """A file that does not enter landing; ``reason`` names its reject folder."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Target:
    """Folder (below landing) and name for a file, when its content was fetched, and the files it may be equal to."""

    folder: Path
    name: str
    fetched_at: datetime
    known: tuple[Path, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)


def find_target(path: Path, kind: str, landing: Path, station: str | None, stations: Mapping[int, Station]) -> Target:
    """Where ``path`` belongs.

    Raises
    ------
    RefusedError
        When it belongs nowhere.
    UnknownStationError
        When ``station`` is no station of the network (for NMDB any code is taken).
    """
    if kind == "nmdb":
        return _nmdb(path, landing, station)
    chosen = None if station is None else find_station(station, stations)
    if kind in ("dat", "hld"):
        return _detector(path, kind, landing, chosen, stations)
    if kind == "lab_log":
        return _lab(path, landing, chosen, stations)
    if kind == "era5":
        return _era5(path, landing, chosen, stations)
    return _logbook(path, landing, chosen, stations)


def _detector(path: Path, kind: str, landing: Path, chosen: Station | None, stations: Mapping[int, Station]) -> Target:
    try:
        name = parse_name(path.name)
    except BadNameError as error:
        raise RefusedError("bad_name", str(error)) from error
    if name.station_id not in stations:
        raise RefusedError("wrong_station", f"station {name.station_id} is not in the seed `station`")
    if chosen is not None and name.station_id != chosen.station_id:
        raise RefusedError("wrong_station", f"the name says station {name.station_id}, not {chosen.station_code}")
    folder = Path(kind) / f"station={name.station_id}" / f"{name.start_time:%Y-%m}"
    base = without_version(path.name)
    return Target(folder, base, now_utc(), tuple(versions_of(landing / folder, base)))


def _lab(path: Path, landing: Path, chosen: Station | None, stations: Mapping[int, Station]) -> Target:
    """A log that was brought by hand is taken as finished."""
    name = parse_log_name(path.name)
    if name is None:
        raise RefusedError("bad_name", f"{path.name} is not the name of a lab log")
    station = chosen or _station_of_path(path, stations)
    if station is None:
        raise RefusedError("unknown_station", "the name of a lab log does not say its station: give --station")
    month = name.file_date or modification_time(path).date()
    root = Path("lab_log") / f"station={station.station_id}"
    known = [
        p
        for sub in ("done", "top")
        for m in sorted((landing / root / sub).glob("*"))
        for p in versions_of(m, name.base_name)
    ]
    return Target(root / "done" / f"{month:%Y-%m}", name.base_name, now_utc(), tuple(known))


def _station_of_path(path: Path, stations: Mapping[int, Station]) -> Station | None:
    """The station a folder of the path names, as ``station=<n>`` or by its code; the innermost counts."""
    for part in reversed(path.absolute().parts[:-1]):
        if match := _STATION_FOLDER.fullmatch(part):
            return stations.get(int(match[1]))
        for station in stations.values():
            if part.upper() == station.station_code.upper():
                return station
    return None


def _era5(path: Path, landing: Path, chosen: Station | None, stations: Mapping[int, Station]) -> Target:
    position = None if chosen is None else chosen.position
    outcome = read_era5(path, position, product="single", fetched_at=now_utc())
    _refuse_unusable(outcome)
    grid = next(table for _, table in outcome.tables).slice(0, 1).to_pylist()[0]
    latitude = (grid["lat_min_deg"] + grid["lat_max_deg"]) / 2
    longitude = (grid["lon_min_deg"] + grid["lon_max_deg"]) / 2
    near = [chosen] if chosen else stations_near(latitude, longitude, stations.values())
    if len(near) != 1:
        text = f"the area around {latitude:.4f}, {longitude:.4f} fits {len(near)} stations: give --station"
        raise RefusedError("unknown_station", text)
    product = _product(outcome)
    folder = Path("era5") / f"station={near[0].station_id}" / product
    with path.open("rb") as stream:
        ending = _ENDINGS[tell_format(stream.read(4)) or "netcdf4"]
    return _dated(path, landing, folder, product, outcome, ending)


def _product(outcome: Outcome) -> str:
    tables = {dataset.name: table for dataset, table in outcome.tables}
    if "era5_level" not in tables:
        return "single"
    return "pl100" if set(tables["era5_level"].column("pressure_level_hpa").to_pylist()) == {100.0} else "profile"


def _nmdb(path: Path, landing: Path, code: str | None) -> Target:
    request = Request(stations=(code.strip().upper(),) if code else ())
    content = path.read_bytes()
    outcome = read_nmdb(content, request, product="rate", fetched_at=now_utc())
    _refuse_unusable(outcome)
    dtype = outcome.tables[0][1].column("dtype")[0].as_py()
    folder = Path("nmdb") / PRODUCT_OF_DTYPE[dtype]
    ending = "txt.gz" if content.startswith(b"\x1f\x8b") else "txt"
    parameters = {"stations[]": list(request.stations)} if request.stations else {}
    return _dated(path, landing, folder, dtype, outcome, ending, parameters)


def _refuse_unusable(outcome: Outcome) -> None:
    if outcome.status == "rejected":
        reason, _, detail = (outcome.detail or "").partition(": ")
        raise RefusedError(reason, detail)
    if outcome.n_rows == 0:
        raise RefusedError("no_data", outcome.rejects[0].reason if outcome.rejects else "no rows")


def _dated(
    path: Path,
    landing: Path,
    folder: Path,
    word: str,
    outcome: Outcome,
    ending: str,
    request: Mapping[str, Any] | None = None,
) -> Target:
    """Name from the days in the file. The fetch was when the file was last changed, unless its data are younger.

    Revisions are told apart by the time of their fetch; the day on which an old file was brought says nothing.
    """
    assert outcome.date_from is not None
    assert outcome.date_to is not None
    changed_at = modification_time(path)
    is_plausible = datetime.combine(outcome.date_to, time.min) <= changed_at <= now_utc()
    fetched_at = changed_at if is_plausible else now_utc()
    name = f"{word}_{outcome.date_from:%Y%m%d}_{outcome.date_to:%Y%m%d}_{fetched_at:%Y%m%dT%H%M%SZ}.{ending}"
    return Target(folder, name, fetched_at, tuple(_landed(landing / folder)), request or {})


def _landed(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.glob("*") if is_landing_name(path.name))


def _logbook(path: Path, landing: Path, chosen: Station | None, stations: Mapping[int, Station]) -> Target:
    """A logbook is stored unless it is the newest one already."""
    names, rows = logbook_rows(path.read_bytes())
    if missing := sorted(LOGBOOK_COLUMNS.difference(names)):
        raise RefusedError("missing_column", f"the second row lacks {', '.join(missing)}")
    position = names.index("station")
    numbers = {row[position].strip() for row in rows if len(row) > position and row[position].strip()}
    station = chosen or (stations.get(int(n)) if len(numbers) == 1 and (n := next(iter(numbers))).isdigit() else None)
    if station is None:
        raise RefusedError("unknown_station", f"rows of the stations {sorted(numbers)}: give --station")
    folder = Path("logbook") / f"station={station.station_id}"
    fetched_at = now_utc()
    return Target(folder, f"{fetched_at:%Y%m%dT%H%M%SZ}.csv", fetched_at, tuple(list(_landed(landing / folder))[-1:]))
