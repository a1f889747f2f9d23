"""Detector files: landing, the lake's names, the tables and the attempts, joined to one state a file.

What can be told from names, sizes and times is told from them; rows of the lake are read only for files whose landing
changed, that lie there in several versions, or that left landing. So tens of thousands of files take a second or two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from extract.daq.landing import LandingFile, StationFiles, list_files, list_stations
from extract.daq.name import BadNameError, parse_name
from extract.daq.schema import PARSER_VERSION, RAW_EVENT, RAW_FILE, RAW_HIT, RAW_REJECT
from extract.daq.store import EVENT_DATASETS, LakeEntry, Part, Source, StationLake, list_station, parts_of_stamp
from extract.daq.workers import subject_of
from extract.states.raw_rows import RawRow, raw_path, read_rows
from extract.states.state import FileState, Kind, LakeWord, judge
from warehouse.attempts import Record

FETCHABLE = ("waiting", "fetched", "skipped", "failed", "too_fresh", "vanished")
"""Outcomes of names that a later run may bring."""

EMPTY_SHA12 = "e3b0c44298fc"
"""Start of the SHA-256 of nothing."""

_PART_OF: dict[str, Part] = {RAW_EVENT.name: "events", RAW_HIT.name: "events", RAW_REJECT.name: "rejects"}
_EPOCH = datetime(1970, 1, 1)


class Held(Protocol):
    """What a database says of a file it holds."""

    @property
    def content_sha256(self) -> str: ...  # noqa: D102 - described by the class

    @property
    def status(self) -> str: ...  # noqa: D102

    @property
    def is_lineage_old(self) -> bool: ...  # noqa: D102


@dataclass
class Tables:
    """What the build (None: not known now) and the published file hold, by file_id."""

    transformed: Mapping[int, Held] | None = field(default_factory=dict)
    published: Mapping[int, Held] = field(default_factory=dict)


@dataclass(frozen=True)
class RemoteName:
    """A detector file in the newest listing of a station's server."""

    file_name: str
    source: Kind
    size: int
    outcome: str


Listing = Mapping[str, list[RemoteName]]
"""By base name."""


@dataclass(frozen=True)
class LakeState:
    """What the lake holds of a file: its present lake name, whether it has events, why not."""

    word: LakeWord
    name: str | None = None
    has_events: bool = False
    status: str | None = None
    kind: str | None = None


def find_stations(landing: Path, lake: Path) -> list[int]:
    """Stations with detector files in landing or lake."""
    found = {
        int(name)
        for path in (lake / RAW_FILE.name).glob("station=*")
        if (name := path.name.removeprefix("station=")).isdecimal() and any(p for p in path.iterdir() if _is_day(p))
    }
    return sorted(found | set(list_stations(landing)))


def _is_day(path: Path) -> bool:
    return path.name.startswith("date=") and path.name != "date=1970-01-01"


def detector_states(
    landing: Path,
    lake: Path,
    station_id: int,
    *,
    tables: Tables,
    records: Mapping[str, Record],
    code_version: str,
    listing: Listing,
    with_reasons: bool = False,
) -> list[FileState]:
    """The state of every detector file of a station, and of landing files whose name keeps them out.

    Parameters
    ----------
    records
        The attempts of the station by base name.
    listing
        The newest listing of what lies on the station and in the archive.
    with_reasons
        Read the rows of files without events, so that each has its reason.
    """
    files, held = list_files(landing, station_id), list_station(lake, station_id)
    names = sorted({*files.groups, *held.files, *_names_with_events(held)})
    states = {name: _by_names(files.groups.get(name, []), name, held) for name in names}
    unsure = [name for name, state in states.items() if state is None]
    rows = read_rows(
        raw_path(lake, station_id, entry.name)
        for name in {*unsure, *(_without_reason(states, tables) if with_reasons else ())}
        for entry in held.files.get(name, [])
    )
    found = [
        _state(
            station_id,
            name,
            files.groups.get(name, []),
            _with_status(state or _by_rows(files.groups.get(name, []), name, held, rows), rows),
            tables,
            _quarantine(records.get(name), files.groups.get(name, []), code_version),
            listing.get(name, []),
        )
        for name, state in states.items()
    ]
    only_remote = sorted(set(listing).difference(names))
    found += [_state(station_id, name, [], LakeState("absent"), tables, None, listing[name]) for name in only_remote]
    return found + _unreadable_names(landing, files)


def _names_with_events(held: StationLake) -> set[str]:
    return {name for names in held.names.values() for name in names}


def _by_names(files: list[LandingFile], name: str, held: StationLake) -> LakeState | None:
    """What the lake holds, told by listing alone; None where rows have to be read."""
    entries = held.files.get(name, [])
    if not entries:
        return LakeState("inconsistent" if any(name in names for names in held.names.values()) else "absent")
    if len(entries) == len(files) == 1 and entries[0].parser_version == PARSER_VERSION:
        parts = parts_of_stamp(entries[0].mtime_ns, Source.of(files[0]))
        return None if parts is None else _complete(entries[0], parts, held)
    if all(entry.parser_version < PARSER_VERSION for entry in entries):
        newest = max(entries, key=lambda entry: entry.parser_version)
        return LakeState("old_parser", newest.name, held.has(RAW_EVENT, newest))
    if len(entries) != 1 or files:
        return None
    entry = entries[0]
    is_whole = held.has(RAW_EVENT, entry) and held.has(RAW_HIT, entry) and not held.left_over(entry)
    return LakeState("current", entry.name, has_events=True) if is_whole else None


def _complete(entry: LakeEntry, parts: set[Part] | frozenset[Part], held: StationLake) -> LakeState:
    """A file whose `raw_file` row is known, by whether the other datasets hold what belongs to it."""
    if held.left_over(entry):
        return LakeState("inconsistent", entry.name)
    for dataset in EVENT_DATASETS:
        if held.has(dataset, entry) != (_PART_OF[dataset.name] in parts):
            return LakeState("absent", entry.name)
    status = "duplicate_content" if "duplicate" in parts else "empty_file" if entry.sha12 == EMPTY_SHA12 else None
    return LakeState("current", entry.name, "events" in parts, status)


def _by_rows(files: list[LandingFile], name: str, held: StationLake, rows: Mapping[str, RawRow]) -> LakeState:
    """What the lake holds, told by its rows: of which landing files they were made, and which one is current."""
    entries = {entry.name: entry for entry in held.files.get(name, [])}
    known = [rows[n] for n, e in entries.items() if n in rows and e.parser_version == PARSER_VERSION]
    sources = {source for row in known for source in row.sources}
    current = [row for row in known if row.is_current]
    if len(current) != 1 or any(Source.of(file) not in sources for file in files):
        return LakeState("absent")
    state = _complete(entries[current[0].lake_name], current[0].parts, held)
    return LakeState(state.word, state.name, state.has_events, current[0].status, current[0].source_kind)


def _without_reason(states: Mapping[str, LakeState | None], tables: Tables) -> list[str]:
    """Files without events whose reason neither their name nor the published file says."""
    return [
        name
        for name, state in states.items()
        if state and state.word == "current" and not state.has_events and not state.status
    ]


def _with_status(state: LakeState, rows: Mapping[str, RawRow]) -> LakeState:
    row = rows.get(state.name or "")
    if state.status or row is None:
        return state
    return LakeState(state.word, state.name, state.has_events, row.status, row.source_kind)


def _quarantine(record: Record | None, files: list[LandingFile], code_version: str) -> Record | None:
    """The attempts at a file as it lies in landing now."""
    return record if record and files and record.is_about(subject_of(files), code_version) else None


def _state(
    station_id: int,
    name: str,
    files: list[LandingFile],
    lake: LakeState,
    tables: Tables,
    record: Record | None,
    remote: list[RemoteName],
) -> FileState:
    file_id = station_id * 10**11 + int(name[4:])
    transformed = None if tables.transformed is None else tables.transformed.get(file_id)
    published = tables.published.get(file_id)
    is_in_lake = lake.word in ("current", "old_parser")
    sha12 = lake.name.partition("-")[2][:12] if lake.name else ""
    newest = transformed or published
    is_old = newest is not None and (newest.is_lineage_old or not newest.content_sha256.startswith(sha12))
    is_quarantined = record is not None and record.is_quarantined and lake.word != "current"
    state = judge(
        is_quarantined=is_quarantined,
        is_landed=bool(files),
        lake=lake.word,
        has_events=lake.has_events,
        is_transformed=None if tables.transformed is None else transformed is not None,
        is_published=published is not None,
        is_lineage_old=is_in_lake and is_old,
    )
    reason = ""
    if state == "rejected":
        reason = lake.status or (published.status if published else "") or "no events"
    elif record is not None and not is_in_lake:
        reason = record.reason
    elif state == "remote" and remote:
        reason = next((one.outcome for one in remote if one.outcome in FETCHABLE), remote[0].outcome)
    return FileState(
        station_id=station_id,
        kind=_kind(files, lake, remote),
        name=name,
        state=state,
        file_time=files[0].name.start_time if files else _start_time(name),
        size_bytes=sum(file.size for file in files) if files else sum(one.size for one in remote[:1]),
        sources=tuple(file.source_file for file in files),
        reason=reason,
        is_remote=bool(remote),
        is_in_lake=is_in_lake,
        is_transformed=None if tables.transformed is None else transformed is not None,
        is_published=published is not None,
    )


def _start_time(name: str) -> datetime | None:
    digits = name[4:]
    try:
        year = datetime(2000 + int(digits[:2]), 1, 1, int(digits[5:7]), int(digits[7:9]), int(digits[9:11]))
        return year + timedelta(days=int(digits[2:5]) - 1)
    except ValueError:
        return None


def _kind(files: list[LandingFile], lake: LakeState, remote: list[RemoteName]) -> Kind:
    """Text or HLD: text where a file lies in both forms, or where nothing says it."""
    kinds: set[str | None] = {file.name.kind or file.source_file[:3] for file in files} or {lake.kind}
    if kinds == {None}:
        kinds = {one.source for one in remote} if lake.word == "absent" else {"dat"}
    return "hld" if kinds == {"hld"} else "dat"


def _unreadable_names(landing: Path, files: StationFiles) -> list[FileState]:
    """Landing files whose name keeps them out of the lake."""
    found = []
    for reason, paths in (("bad_name", files.bad_names), ("wrong_station", files.wrong_station)):
        for source_file in paths:
            name = source_file.rpartition("/")[2]
            try:
                stat = (landing / source_file).stat()
            except FileNotFoundError:
                continue
            found.append(
                FileState(
                    station_id=files.station_id,
                    kind="hld" if source_file.startswith("hld/") else "dat",
                    name=name,
                    state="rejected",
                    file_time=_name_time(name) or _EPOCH + timedelta(seconds=int(stat.st_mtime)),
                    size_bytes=stat.st_size,
                    sources=(source_file,),
                    reason=reason,
                )
            )
    return found


def _name_time(name: str) -> datetime | None:
    try:
        return parse_name(name).start_time
    except BadNameError:
        return None
