"""One content under two names of a station: the name nearest to the first event keeps it, the others say so."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from extract.daq.counters import Counters
from extract.daq.schema import RAW_FILE
from extract.daq.store import EVENT_DATASETS, StoredFile, parts_of_row, read_stored, remove, write_stored
from extract.daq.versions import GroupOutcome
from warehouse.lake import partition_folder

logger = logging.getLogger(__name__)

Extract = Callable[[str], GroupOutcome]
"""Extracts the file of a base name again, as if it were alone."""


def settle_twins(outcomes: Iterable[GroupOutcome], lake: Path, station_id: int, extract: Extract) -> list[GroupOutcome]:
    """Make sure that every content of a station has its events once; returns the outcomes of what changed."""
    by_content: dict[str, list[GroupOutcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.name and outcome.parts & {"events", "duplicate"}:
            by_content[outcome.name.partition("-")[2]].append(outcome)
    changed: list[GroupOutcome] = []
    for group in by_content.values():
        if sum("events" in outcome.parts for outcome in group) != 1:
            changed += _settle([_stored(lake, station_id, outcome) for outcome in group], lake, extract)
    return changed


def _stored(lake: Path, station_id: int, outcome: GroupOutcome) -> StoredFile:
    assert outcome.name
    digits = outcome.base_name[4:]
    day = datetime.strptime(digits[:5], "%y%j").date()
    return read_stored(partition_folder(lake, RAW_FILE, station_id, day) / outcome.name)


def _settle(rows: list[StoredFile], lake: Path, extract: Extract) -> list[GroupOutcome]:
    by_sha256: dict[str, list[StoredFile]] = defaultdict(list)
    for stored in rows:
        by_sha256[stored.row["content_sha256"]].append(stored)
    changed: list[GroupOutcome] = []
    for twins in by_sha256.values():
        winner = _winner(twins)
        if "events" not in parts_of_row(winner.row):
            changed.append(extract(winner.row["base_name"]))
        changed += [_mark(twin, winner.row["file_id"], lake) for twin in twins if twin is not winner]
    return changed


def _winner(twins: list[StoredFile]) -> StoredFile:
    """The file whose name is nearest in time to the first event; ties to the smaller id."""
    times = [twin.row["first_event_time"] for twin in twins if twin.row["first_event_time"]]

    def distance(twin: StoredFile) -> tuple[float, int]:
        start: datetime = twin.row["start_time"]
        seconds = abs((min(times) - start).total_seconds()) if times else 0.0
        return seconds, int(twin.row["file_id"])

    return min(twins, key=distance)


def _mark(twin: StoredFile, winner_id: int, lake: Path) -> GroupOutcome:
    """Turn a file into a duplicate: its row first, then its events go."""
    row: dict[str, Any] = twin.row | vars(Counters())
    row |= {
        "status": "duplicate_content",
        "duplicate_of_file_id": winner_id,
        "first_event_time": None,
        "last_event_time": None,
    }
    if row != twin.row:
        write_stored(lake, twin.name, row, twin.sources)
    for dataset in EVENT_DATASETS:
        remove(lake, dataset, row["station_id"], row["start_time"].date(), twin.name)
    logger.info("%s has the content of file %d and gives no events", row["base_name"], winner_id)
    return GroupOutcome(row["base_name"], twin.name, frozenset(parts_of_row(row)), row)
