"""Lab logs from landing to the lake."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from extract.environment_file import LandingFile, Marks, Outcome, commit, describe, mark_superseded
from extract.environment_summary import EnvSummary, Progress, extract_each
from extract.lab.name import HV_SCAN, parse_log_name
from extract.lab.read import read_log
from extract.lab.scan import read_scan
from extract.lab.schema import DATASETS, PARSER_VERSION, SOURCE
from extract.transfer.sidecar import is_landing_name
from extract.transfer.stations import read_stations
from warehouse.attempts import Attempts
from warehouse.lake import read_footer

logger = logging.getLogger(__name__)

FOLDERS = ("done", "top")

Versions = list[LandingFile]
"""All landing files of one station and base name, `done` before `top`, first versions first."""


def extract_lab(
    landing: Path,
    lake: Path,
    *,
    stations: Collection[int] | None = None,
    on_progress: Progress | None = None,
    attempts: Attempts | None = None,
) -> EnvSummary:
    """Extract every lab log in landing that is not in the lake.

    Parameters
    ----------
    stations
        Station numbers; None means all.
    attempts
        Where attempts that fail are kept; None keeps none.
    """
    summary = EnvSummary(SOURCE)
    marks = Marks(lake, DATASETS)
    groups = _find_versions(landing, stations, summary)
    todo: Versions = []
    for versions in groups.values():
        pending = _pending(versions, marks)
        todo += pending
        for file in versions:
            if file not in pending:
                summary.skip(file)

    def extract_one(file: LandingFile) -> Outcome:
        return _extract_one(file, groups[_group(file)], lake, marks)

    extract_each(todo, extract_one, summary, on_progress, attempts)
    return summary


def _group(file: LandingFile) -> tuple[int, str]:
    name = parse_log_name(file.path.name)
    assert name is not None
    return file.partition_station, name.base_name


def _find_versions(
    landing: Path, stations: Collection[int] | None, summary: EnvSummary
) -> dict[tuple[int, str], Versions]:
    groups: dict[tuple[int, str], Versions] = defaultdict(list)
    for station_folder in sorted((landing / SOURCE).glob("station=[0-9]")):
        station_id = int(station_folder.name.removeprefix("station="))
        if stations is not None and station_id not in stations:
            continue
        for path in _files(station_folder):
            name = parse_log_name(path.name)
            if name is None:
                logger.warning("%s is not the name of a lab log; ignored", path.relative_to(landing))
                continue
            try:
                file = describe(path, landing, source=SOURCE, station_id=station_id, kind=name.kind)
            except OSError as error:
                summary.fail(station_id, name.kind, path.relative_to(landing).as_posix(), error)
                continue
            groups[station_id, name.base_name].append(file)
    return groups


def _files(station_folder: Path) -> Iterable[Path]:
    for folder in FOLDERS:
        yield from sorted(p for p in (station_folder / folder).glob("*/*") if is_landing_name(p.name))


def _pending(versions: Versions, marks: Marks) -> Versions:
    """Versions to extract: of equal contents only the first one, unless it is in the lake already.

    Equal contents under one name share one lake name. The mark must then come from the first version: the copy in
    `done/` counts, since its last line is finished.
    """
    first_of: dict[str, LandingFile] = {}
    n_of: dict[tuple[str, str], int] = defaultdict(int)
    for file in versions:
        first_of.setdefault(file.sha256, file)
        n_of[file.path.name, file.sha256] += 1
    pending = []
    for file in first_of.values():
        mark = marks.find(file, PARSER_VERSION)
        is_shared = n_of[file.path.name, file.sha256] > 1
        if mark is None or (is_shared and read_footer(mark).get("source_file") != file.source_file):
            pending.append(file)
    return pending


def _extract_one(file: LandingFile, versions: Versions, lake: Path, marks: Marks) -> Outcome:
    name = parse_log_name(file.path.name)
    assert name is not None
    content = file.path.read_bytes()
    remote_folder = file.path.relative_to(file.landing).parts[2]
    if name.kind == HV_SCAN:
        station = read_stations().get(file.partition_station)
        outcome = read_scan(content, name.file_date, station.station_code if station else None, remote_folder)
    else:
        outcome = read_log(content, name.kind, name.file_date, file.fetched_at, remote_folder)
    if not content:
        commit(lake, marks, file, outcome, PARSER_VERSION)
        return outcome
    for other in versions:
        if other.size_bytes > file.size_bytes and outcome.status != "superseded":
            if other.path.read_bytes().startswith(content):
                outcome.status = "superseded"
        elif 0 < other.size_bytes <= file.size_bytes and other.stem != file.stem:
            mark = marks.find(other, PARSER_VERSION)
            if mark is not None and content.startswith(other.path.read_bytes()):
                mark_superseded(lake, mark)
    commit(lake, marks, file, outcome, PARSER_VERSION)
    return outcome
