"""Lab logs, ERA5 and NMDB answers: landing and the names of their commit marks, joined to one state a file.

A landing file never changes, so a mark of its name says that it was read; only where a name occurs several times (in
both folders of the lab logs) the hashes of the sidecars tell which of them was.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from extract.daq.name import is_ignored
from extract.environment_file import NETWORK_PARTITION, describe
from extract.environment_summary import subject_of
from extract.era5 import schema as era5
from extract.lab import schema as lab
from extract.nmdb import schema as nmdb
from extract.provenance import ENV_FILE, ENV_REJECT
from extract.states.detector import EMPTY_SHA12
from extract.states.state import FileState, Kind, LakeWord, State, judge
from extract.transfer.place import REJECT_FOLDER
from warehouse.attempts import Record
from warehouse.lake import list_files

PENDING = "pending"
"""Folder of notes on requests that still stand in a service's queue: no source files."""


@dataclass(frozen=True)
class Family:
    """A kind of environment file: its folder of landing, the word of its provenance, the version of its parser."""

    kind: Kind
    folder: str
    source: str
    parser_version: int


FAMILIES = (
    Family("log", lab.SOURCE, lab.SOURCE, lab.PARSER_VERSION),
    Family("era5", era5.FOLDER, era5.SOURCE, era5.PARSER_VERSION),
    Family("nmdb", nmdb.FOLDER, nmdb.SOURCE, nmdb.PARSER_VERSION),
)


@dataclass(frozen=True)
class _Mark:
    sha12: str
    parser_version: int
    lake_name: str


Marks = dict[tuple[int, str], list[_Mark]]
"""Commit marks by station of the partition and name of the landing file."""


def environment_states(
    landing: Path, lake: Path, family: Family, records: Mapping[tuple[int, str], Record], code_version: str
) -> list[FileState]:
    """The state of every landing file of a kind; ``records`` by station and name of the attempts."""
    marks = _marks(lake)
    refused = {(_station_of(path), path.name) for path in list_files(lake, ENV_REJECT)}
    landed: dict[tuple[int, str], list[os.DirEntry[str]]] = defaultdict(list)
    for station_id, entry in _entries(landing / family.folder):
        landed[station_id, entry.name].append(entry)
    found = []
    for (station_id, name), entries in sorted(landed.items()):
        known = marks.get((station_id, name), [])
        for entry in sorted(entries, key=lambda one: one.path):
            source_file = entry.path[len(str(landing / "x")) - 1 :]
            mark = _mark_of(landing, source_file, station_id, known, is_only=len(entries) == 1)
            record = records.get((station_id, "+".join(_below(source_file))))
            found.append(_state(landing, family, station_id, source_file, entry, mark, record, code_version, refused))
    return _with_reasons(lake, found, marks)


def _marks(lake: Path) -> Marks:
    marks: Marks = defaultdict(list)
    for path in list_files(lake, ENV_FILE):
        stem, _, version = path.stem.rpartition("-p")
        name, _, sha12 = stem.rpartition("-")
        if version.isdecimal() and len(sha12) == 12:
            marks[_station_of(path), name].append(_Mark(sha12, int(version), path.name))
    return marks


def _station_of(path: Path) -> int:
    return int(path.parent.parent.name.removeprefix("station="))


def _entries(folder: Path) -> Iterator[tuple[int, os.DirEntry[str]]]:
    """Finished files below a folder of landing with the station of their partition."""
    if not folder.is_dir():
        return
    stack = [(NETWORK_PARTITION, str(folder))]
    while stack:
        station_id, path = stack.pop()
        with os.scandir(path) as entries:
            for entry in entries:
                if is_ignored(entry.name) or entry.name in (REJECT_FOLDER, PENDING):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    digits = entry.name.removeprefix("station=")
                    is_station = entry.name.startswith("station=") and digits.isdecimal()
                    stack.append((int(digits) if is_station else station_id, entry.path))
                elif entry.is_file():
                    yield station_id, entry


def _below(source_file: str) -> list[str]:
    return [part for part in source_file.split("/")[1:] if not part.startswith("station=")]


def _mark_of(landing: Path, source_file: str, station_id: int, known: list[_Mark], *, is_only: bool) -> _Mark | None:
    """The newest commit mark of a landing file."""
    if not known or is_only:
        return max(known, key=lambda mark: mark.parser_version, default=None)
    file = describe(landing / source_file, landing, source="", station_id=station_id, kind="")
    own = [mark for mark in known if mark.sha12 == file.sha256[:12]]
    return max(own, key=lambda mark: mark.parser_version, default=None)


def _state(
    landing: Path,
    family: Family,
    station_id: int,
    source_file: str,
    entry: os.DirEntry[str],
    mark: _Mark | None,
    record: Record | None,
    code_version: str,
    refused: set[tuple[int, str]],
) -> FileState:
    station = None if family.kind == "nmdb" else station_id
    if record is not None:
        file = describe(landing / source_file, landing, source=family.source, station_id=station, kind=family.kind)
        record = record if record.is_about(subject_of(file), code_version) else None
    is_done = mark is not None and mark.parser_version >= family.parser_version
    lake: LakeWord = "absent" if mark is None else "current" if is_done else "old_parser"
    is_empty = mark is not None and mark.sha12 == EMPTY_SHA12
    may_be_refused = mark is not None and (station_id, mark.lake_name) in refused
    state = judge(
        is_quarantined=record is not None and record.is_quarantined and lake == "absent",
        is_landed=True,
        lake=lake,
        has_events=not (is_empty or may_be_refused),
        is_transformed=None,
        is_published=None,
        is_lineage_old=False,
    )
    stat = entry.stat()
    return FileState(
        station_id=station,
        kind=family.kind,
        name=entry.name,
        state=state,
        file_time=datetime.fromtimestamp(int(stat.st_mtime), UTC).replace(tzinfo=None),
        size_bytes=stat.st_size,
        sources=(source_file,),
        reason=record.reason if record and lake == "absent" else "empty_file" if is_empty else "",
        is_in_lake=mark is not None,
    )


def _with_reasons(lake: Path, states: list[FileState], marks: Marks) -> list[FileState]:
    """Files with rejected lines may be good: the rows of their marks tell those that were refused as a whole."""
    doubtful = [state for state in states if state.state == "rejected" and not state.reason]
    if not doubtful:
        return states
    statuses = _statuses(lake, {(state.station_id or NETWORK_PARTITION, state.name) for state in doubtful}, marks)
    settled = []
    for state in states:
        if state.state == "rejected" and not state.reason:
            status, detail = statuses.get(state.sources[0], ("rejected", ""))
            is_refused = status == "rejected"
            word: State = "rejected" if is_refused else "extracted"
            settled.append(replace(state, state=word, reason=detail if is_refused else ""))
        else:
            settled.append(state)
    return settled


def _statuses(lake: Path, names: set[tuple[int, str]], marks: Marks) -> dict[str, tuple[str, str]]:
    """Status and detail by source file, newest parser last."""
    wanted = {mark.lake_name for name in names for mark in marks.get(name, [])}
    paths = sorted(str(path) for path in list_files(lake, ENV_FILE) if path.name in wanted)
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select source_file, status, coalesce(detail, '')"
            " from read_parquet(?, hive_partitioning = false) order by parser_version",
            [paths],
        ).fetchall()
    return {source_file: (status, detail) for source_file, status, detail in rows}
