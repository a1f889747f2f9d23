"""ERA5 answers from landing to the lake."""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from extract.environment_file import LandingFile, Marks, Outcome, commit, describe
from extract.environment_summary import EnvSummary, NotConfiguredError, Progress, extract_each
from extract.era5.read import read_era5
from extract.era5.schema import DATASETS, FOLDER, PARSER_VERSION, SOURCE
from extract.transfer.sidecar import is_landing_name
from extract.transfer.stations import Site, site_on
from warehouse.attempts import Attempts

logger = logging.getLogger(__name__)

PRODUCTS = ("single", "pl100", "profile")
LEVEL_OF_PL100_HPA = 100.0

_FIRST_DAY = re.compile(r"_([0-9]{8})_[0-9]{8}_")


def extract_era5(
    landing: Path,
    lake: Path,
    sites: Mapping[int, Sequence[Site]],
    *,
    stations: Collection[int] | None = None,
    on_progress: Progress | None = None,
    attempts: Attempts | None = None,
) -> EnvSummary:
    """Extract every ERA5 answer in landing that is not in the lake.

    Parameters
    ----------
    sites
        Where the stations stand. A file must be about the site of its first day; one of a station without any fails,
        and is tried again.
    stations
        Station numbers; None means all.
    attempts
        Where attempts that fail are kept; None keeps none.
    """
    summary = EnvSummary(SOURCE)
    marks = Marks(lake, DATASETS)
    todo = []
    for file in find_answers(landing, stations, summary):
        if marks.find(file, PARSER_VERSION) is None:
            todo.append(file)
        else:
            summary.skip(file)

    def extract_one(file: LandingFile) -> Outcome:
        position = _position(file, sites.get(file.partition_station, ()))
        outcome = read_era5(
            file.path,
            position,
            product=file.kind,
            fetched_at=file.fetched_at,
            requested_levels_hpa=requested_levels_hpa(file),
        )
        commit(lake, marks, file, outcome, PARSER_VERSION)
        return outcome

    extract_each(todo, extract_one, summary, on_progress, attempts)
    return summary


def _position(file: LandingFile, sites: Sequence[Site]) -> tuple[float, float]:
    """Latitude and longitude, degrees, of the site in force on the first day in the name, else of the newest."""
    if not sites:
        raise NotConfiguredError(f"station {file.station_id} has no position in the seed `station`")
    match = _FIRST_DAY.search(file.path.name)
    try:
        site = site_on(sites, datetime.strptime(match[1], "%Y%m%d").date()) if match else None
    except ValueError:
        site = None
    return (site or sites[-1]).position


def requested_levels_hpa(file: LandingFile) -> list[float]:
    """Levels of the request in the sidecar; without one, what the product says."""
    levels = file.request.get("pressure_level")
    if isinstance(levels, list | tuple):
        try:
            return [float(level) for level in levels]
        except (TypeError, ValueError):
            logger.warning("%s: the request's pressure_level %r is not read", file.source_file, levels)
    return [LEVEL_OF_PL100_HPA] if file.kind == "pl100" else []


def find_answers(landing: Path, stations: Collection[int] | None, summary: EnvSummary) -> list[LandingFile]:
    """The answers in landing; those that cannot be read are counted in ``summary``."""
    files = []
    for station_folder in sorted((landing / FOLDER).glob("station=[0-9]")):
        station_id = int(station_folder.name.removeprefix("station="))
        if stations is not None and station_id not in stations:
            continue
        for product in PRODUCTS:
            for path in sorted((station_folder / product).glob("*")):
                if not is_landing_name(path.name):
                    continue
                try:
                    files.append(describe(path, landing, source=SOURCE, station_id=station_id, kind=product))
                except OSError as error:
                    summary.fail(station_id, product, path.relative_to(landing).as_posix(), error)
    return files
