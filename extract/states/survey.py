"""All files of the network with their states, in one look."""

import gc
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from extract.states.detector import Listing, Tables, detector_states, find_stations
from extract.states.environment import FAMILIES, environment_states
from extract.states.rejects import refused_states
from extract.states.remote import detector_listing
from extract.states.state import KINDS, FileState, Kind
from warehouse.attempts import Record

STAGE = "extract"


@dataclass(frozen=True)
class Survey:
    """Every file of landing, lake and newest listing, each once; ``is_build_busy``: what it holds is not known."""

    files: list[FileState]
    is_build_busy: bool = False


@dataclass(frozen=True)
class Known:
    """What lies outside landing and lake: tables, attempts by (station, name), and the code they were made with."""

    tables: Tables = field(default_factory=Tables)
    records: dict[tuple[int, str], Record] = field(default_factory=dict)
    code_version: str = ""


def survey(
    landing: Path,
    lake: Path,
    known: Known,
    *,
    stations: Collection[int] | None = None,
    kinds: Collection[Kind] = KINDS,
    with_reasons: bool = False,
) -> Survey:
    """The state of every file, of the stations and kinds asked for."""
    with _without_collection():
        files: list[FileState] = []
        if {"dat", "hld"} & set(kinds):
            listings = detector_listing(lake)
            for station_id in sorted({*find_stations(landing, lake), *listings}):
                if stations is None or station_id in stations:
                    listing = listings.get(station_id, {})
                    files += _detector(landing, lake, station_id, known, listing, with_reasons=with_reasons)
        for family in FAMILIES:
            if family.kind in kinds:
                files += environment_states(landing, lake, family, known.records, known.code_version)
        files += refused_states(landing)
        chosen = [file for file in files if _is_chosen(file, stations, kinds)]
    return Survey(chosen, known.tables.transformed is None)


def _detector(
    landing: Path, lake: Path, station_id: int, known: Known, listing: Listing, *, with_reasons: bool
) -> list[FileState]:
    records = {name: record for (number, name), record in known.records.items() if number == station_id}
    return detector_states(
        landing,
        lake,
        station_id,
        tables=known.tables,
        records=records,
        code_version=known.code_version,
        listing=listing,
        with_reasons=with_reasons,
    )


def _is_chosen(file: FileState, stations: Collection[int] | None, kinds: Collection[Kind]) -> bool:
    is_of_kind = file.kind in kinds or (set(kinds) == set(KINDS) and file.kind not in KINDS)
    return is_of_kind and (stations is None or file.station_id in stations)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the collector of cycles from running over a hundred thousand records that hold none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def records_of(found: Iterable[tuple[Path, Record]], stage: str = STAGE) -> dict[tuple[int, str], Record]:
    """The records of a stage by station and name."""
    return {(record.station_id, record.base_name): record for _, record in found if record.stage == stage}


def count_states(files: Iterable[FileState]) -> dict[tuple[int | None, str], list[FileState]]:
    """Files by station and state."""
    groups: dict[tuple[int | None, str], list[FileState]] = defaultdict(list)
    for file in files:
        groups[file.station_id, file.state].append(file)
    return groups
