"""What is held of ERA5: the rows of the lake, and the answers in landing that were not extracted yet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from extract.environment_file import LandingFile, Marks
from extract.environment_summary import EnvSummary
from extract.era5.extract import find_answers
from extract.era5.request import Area, DayState, Request, area_of
from extract.era5.schema import DATASETS, PARSER_VERSION, SOURCE
from extract.transfer.stations import Site, is_near, site_on
from warehouse.lake import list_files

_QUERY = """
select
    source_file,
    product,
    valid_time::date as day,
    list(distinct hour(valid_time)) as hours,
    coalesce(list(distinct hour(valid_time)) filter (where is_final), []) as final_hours,
    max(fetched_at) as fetched_at,
    avg((lat_min_deg + lat_max_deg) / 2) as latitude_deg,
    avg((lon_min_deg + lon_max_deg) / 2) as longitude_deg,
from read_parquet($files, hive_partitioning = false)
group by source_file, product, valid_time::date
"""


def read_held(
    landing: Path, lake: Path, sites: Mapping[int, Sequence[Site]], half_width_deg: float
) -> dict[tuple[int, str], dict[date, DayState]]:
    """States of the days by (station, product).

    A day counts where its answer was made for the site in force on it: by the box in the request, or, where the sidecar
    is lost, by the centre of the grid. So a new site has its period fetched again, and nothing else.
    """
    held: dict[tuple[int, str], dict[date, DayState]] = defaultdict(dict)
    marks = Marks(lake, DATASETS)
    for station_id, station_sites in sites.items():
        answers = {f.source_file: f for f in find_answers(landing, [station_id], EnvSummary(SOURCE))}
        boxes = {day_box[0]: day_box[1] for day_box in map(_box, answers.values())}
        for row in _lake_rows(lake, station_id):
            if _is_of_site(row, boxes.get(row["source_file"]), station_sites, half_width_deg):
                hours, final_hours = frozenset(row["hours"]), frozenset(row["final_hours"])
                _add(held[station_id, row["product"]], row["day"], DayState(hours, final_hours, row["fetched_at"]))
        for file in answers.values():
            if marks.find(file, PARSER_VERSION) is None:
                _add_landed(held, file)
    return held


def _lake_rows(lake: Path, station_id: int) -> list[dict[str, Any]]:
    rows = []
    for dataset in DATASETS:
        files = [str(path) for path in list_files(lake, dataset, station_id)]
        if files:
            with duckdb.connect() as connection:
                result = connection.execute(_QUERY, {"files": files})
                names = [column[0] for column in result.description or ()]
                rows += [dict(zip(names, values, strict=True)) for values in result.fetchall()]
    return rows


def _request(file: LandingFile) -> Request | None:
    try:
        return Request.from_body(file.partition_station, file.kind, file.request)
    except ValueError:
        return None


def _box(file: LandingFile) -> tuple[str, Area | None]:
    request = _request(file)
    return file.source_file, request.area if request else None


def _is_of_site(row: Mapping[str, Any], box: Area | None, sites: Sequence[Site], half_width_deg: float) -> bool:
    site = site_on(sites, row["day"])
    if site is None:
        return False
    if box is not None:
        return box == area_of(site.position, half_width_deg)
    return is_near(row["latitude_deg"], row["longitude_deg"], site.position)


def _add(states: dict[date, DayState], day: date, state: DayState) -> None:
    """Join what two answers hold of one day; an hour is final where any of them is."""
    known = states.get(day)
    if known is not None:
        fetched_at: datetime = max(known.fetched_at, state.fetched_at)
        state = DayState(known.hours | state.hours, known.final_hours | state.final_hours, fetched_at)
    states[day] = state


def _add_landed(held: dict[tuple[int, str], dict[date, DayState]], file: LandingFile) -> None:
    """Count what a landed answer was asked for as held, until its extraction tells what it holds."""
    request = _request(file)
    if request is None:
        return
    hours = frozenset(request.hours)
    for day in request.days:
        _add(held[request.station_id, request.product], day, DayState(hours, hours, file.fetched_at))
