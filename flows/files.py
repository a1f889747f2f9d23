"""What `mingo files` asks: states of all files, gaps, coverage, one file in full, release from quarantine."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from extract.states.coverage import STATION_GAP, DayCoverage, Gap, by_day, detector_files, find_gaps, usual_interval
from extract.states.detector import Tables
from extract.states.remote import listing_days
from extract.states.show import call, describe
from extract.states.state import KINDS, STATES, FileState, Kind
from extract.states.survey import STAGE, Known, Survey, records_of, survey
from flows.attempts import extract_attempts
from flows.outcome import Outcome
from warehouse.attempts import Record, list_bad, list_records
from warehouse.lock import LockBusyError, held
from warehouse.look.files import published_files, transformed_files
from warehouse.paths import Paths
from warehouse.settings import Settings

AGES = (
    ("< 15 min", timedelta(minutes=15)),
    ("15-60 min", timedelta(hours=1)),
    ("1-6 h", timedelta(hours=6)),
    ("6-24 h", timedelta(days=1)),
    ("1-7 d", timedelta(days=7)),
    ("> 7 d", timedelta.max),
)
"""Age buckets, by the time a file begins."""

DAY_S = 86_400
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(min|m|h|d|w)")
_UNITS = {"min": "minutes", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LIVE = "select station_id, cast(time as date), live_s from grafana_coverage where live_s > 0"


def read_age(text: str) -> timedelta:
    """An age such as ``15min``, ``6h``, ``3d`` or ``2w``.

    Raises
    ------
    ValueError
        When it is none; the message says what one looks like.
    """
    match = _AGE.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"'{text}' is no age; write 15min, 6h, 3d or 2w")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def look(
    settings: Settings,
    *,
    stations: Collection[int] | None = None,
    kinds: Collection[Kind] = KINDS,
    with_reasons: bool = False,
) -> Survey:
    """The states of all files of the stations and kinds asked for."""
    paths = settings.paths
    known = Known(
        tables=Tables(transformed_files(settings), published_files(paths)),
        records=records_of(list_records(paths.attempts)),
        code_version=extract_attempts(paths).code_version,
    )
    return survey(paths.landing, paths.lake, known, stations=stations, kinds=kinds, with_reasons=with_reasons)


def choose(
    files: Iterable[FileState],
    *,
    states: Collection[str] = (),
    older_than: timedelta | None = None,
    newer_than: timedelta | None = None,
    first: date | None = None,
    last: date | None = None,
    now: datetime,
) -> list[FileState]:
    """Files of some states, ages and days; one without a time is of no age and no day."""

    def is_chosen(file: FileState) -> bool:
        time = file.file_time
        if states and file.state not in states:
            return False
        if older_than is not None and (time is None or now - time <= older_than):
            return False
        if newer_than is not None and (time is None or now - time >= newer_than):
            return False
        if first is not None and (time is None or time.date() < first):
            return False
        return last is None or (time is not None and time.date() <= last)

    return [file for file in files if is_chosen(file)]


def table(files: Iterable[FileState], now: datetime) -> list[dict[str, Any]]:
    """Counts, bytes, ages, oldest and newest time by station, kind and state, in the order of the way."""
    groups: dict[tuple[int | None, str, str], list[FileState]] = {}
    for file in files:
        groups.setdefault((file.station_id, file.kind, file.state), []).append(file)
    kinds, states = [*map(str, KINDS), "logbook", "unknown"], [*map(str, STATES)]

    def order(key: tuple[int | None, str, str]) -> tuple[bool, int, int, int]:
        return key[0] is None, key[0] or 0, kinds.index(key[1]), states.index(key[2])

    return [_group(*key, groups[key], now) for key in sorted(groups, key=order)]


def _group(station_id: int | None, kind: str, state: str, files: list[FileState], now: datetime) -> dict[str, Any]:
    times = [file.file_time for file in files if file.file_time is not None]
    ages = Counter(next(word for word, limit in AGES if now - time <= limit) for time in times)
    return {
        "station_id": station_id,
        "kind": kind,
        "state": state,
        "n": len(files),
        "bytes": sum(file.size_bytes for file in files),
        "ages": {word: ages[word] for word, _ in AGES},
        "oldest": min(times, default=None),
        "newest": max(times, default=None),
    }


def hints(files: Iterable[FileState], paths: Paths, *, is_build_busy: bool) -> list[str]:
    """What to do about what stands beside the way, one line each."""
    by_state = Counter(file.state for file in files)
    texts = []
    if n := by_state["quarantined"]:
        texts.append(
            f"{n} quarantined: the machine failed three times at them; `mingo files --state quarantined` says how."
            " Mend it, then `mingo files --release FILE...`, or --all"
        )
    if n := by_state["rejected"]:
        texts.append(f"{n} rejected: they hold no data; `mingo files --state rejected` says why. They stay as they are")
    if n := by_state["acquired"] + by_state["inconsistent"] + by_state["stale"]:
        texts.append(f"{n} wait for `mingo extract` or `mingo transform` (acquired, inconsistent, stale)")
    if n := by_state["remote"]:
        texts.append(f"{n} lie on the servers and not here: `mingo files --missing` shows where they are missing")
    if is_build_busy:
        texts.append("a run has the build: transformed is unknown, such files are shown as extracted")
    if bad := list_bad(paths.attempts):
        texts.append(
            f"{len(bad)} records of attempts could not be read and were put aside ({bad[0].name}); delete them"
        )
    return texts


def missing(
    settings: Settings, files: Sequence[FileState], first: date | None, last: date | None, now: datetime
) -> tuple[list[dict[str, Any]], list[Gap]]:
    """By station and day: files listed, here, missing and expected, hours of gaps by cause; and the gaps."""
    chosen = detector_files(files, first, last)
    listed = listing_days(settings.paths.lake)
    listed_from: dict[int, datetime] = {}
    for file in files:
        if file.is_remote and file.station_id is not None and file.file_time is not None:
            listed_from[file.station_id] = min(listed_from.get(file.station_id, file.file_time), file.file_time)
    end = now - STATION_GAP
    if last is not None:
        end = min(end, datetime.combine(last, datetime.min.time()) + timedelta(days=1))
    until = {station_id: end for station_id, _ in listed}
    gaps = find_gaps(chosen, until, listed_from)
    usual = {
        station_id: usual_interval([f.file_time for f in chosen if f.station_id == station_id and f.file_time])
        for station_id in {file.station_id for file in chosen}
    }
    rows = []
    hours = _gap_hours(gaps)
    for day in by_day(chosen):
        expected = round(DAY_S / usual[day.station_id].total_seconds())
        rows.append(
            {
                "day": day.day,
                "station_id": day.station_id,
                "listed": day.n_remote,
                "here": max(day.n_landed, day.n_in_lake),
                "missing": day.n_missing,
                "expected": expected,
                "fetch_gap_h": hours.get((day.station_id, day.day, "fetch"), 0.0),
                "station_gap_h": hours.get((day.station_id, day.day, "station"), 0.0),
            }
        )
    return rows, gaps


def _gap_hours(gaps: Iterable[Gap]) -> dict[tuple[int, date, str], float]:
    """Hours of gaps by station, day on which they lie, and cause."""
    hours: dict[tuple[int, date, str], float] = {}
    for gap in gaps:
        start = gap.begins_at
        while start < gap.ends_at:
            midnight = datetime.combine(start.date(), datetime.min.time()) + timedelta(days=1)
            end = min(midnight, gap.ends_at)
            key = gap.station_id, start.date(), gap.cause
            hours[key] = hours.get(key, 0.0) + (end - start).total_seconds() / 3600
            start = end
    return hours


def coverage(
    settings: Settings, files: Iterable[FileState], first: date | None, last: date | None
) -> list[tuple[DayCoverage, float | None]]:
    """Files of every station and day by stage, with the live share of the day as published (None: not known)."""
    live = _live_share(settings.paths)
    days = by_day(detector_files(files, first, last))
    return [(day, live.get((day.station_id, day.day), 0.0 if live else None)) for day in days]


def _live_share(paths: Paths) -> dict[tuple[int, date], float]:
    if not paths.serving.exists():
        return {}
    try:
        with duckdb.connect(str(paths.serving), read_only=True) as connection:
            return {(station, day): live_s / DAY_S for station, day, live_s in connection.execute(LIVE).fetchall()}
    except duckdb.Error:
        return {}


def find(settings: Settings, word: str) -> list[tuple[FileState, dict[str, Any]]]:
    """Everything known of the files called by a word: name, base name, number, or path below landing."""
    name = call(word)
    seen = look(settings, with_reasons=False).files
    found = [file for file in seen if file.name == name or word in file.sources]
    records = records_of(list_records(settings.paths.attempts))
    tables = Tables(transformed_files(settings), published_files(settings.paths))
    return [
        (file, describe(settings.paths.landing, settings.paths.lake, file) | _outside(file, records, tables))
        for file in found
    ]


def _outside(file: FileState, records: dict[tuple[int, str], Record], tables: Tables) -> dict[str, Any]:
    """Tables and attempts of a file."""
    keys = [(file.station_id or 0, name) for name in (file.name, *(_below(source) for source in file.sources))]
    record = next((records[key] for key in keys if key in records), None)
    facts: dict[str, Any] = {"attempts": record}
    if file.kind in ("dat", "hld") and file.station_id is not None and file.name[4:].isdecimal():
        file_id = file.station_id * 10**11 + int(file.name[4:])
        facts["file_id"] = file_id
        facts["transformed"] = "unknown" if tables.transformed is None else tables.transformed.get(file_id)
        facts["published"] = tables.published.get(file_id)
    return facts


def _below(source_file: str) -> str:
    return "+".join(part for part in source_file.split("/")[1:] if not part.startswith("station="))


def release(settings: Settings, words: Sequence[str], *, is_all: bool) -> Outcome:
    """Forget the attempts at some files, so that the next extraction tries them."""
    paths = settings.paths
    names = {call(word) for word in words} | set(words)
    try:
        with held(paths.locks / "extract.lock", "files --release", settings.transform.wait_s):
            found = [
                (path, record)
                for path, record in list_records(paths.attempts)
                if record.stage == STAGE and (is_all or names & {record.base_name, record.base_name.split("+")[-1]})
            ]
            for path, _ in found:
                path.unlink(missing_ok=True)
    except LockBusyError as error:
        return Outcome("files", "Skipped", str(error))
    released = [record.base_name for _, record in found]
    if not released:
        return Outcome("files", "NothingToDo", "nothing to release (no attempt at such a file is on record)")
    sentence = f"{len(released)} released; the next `mingo extract` tries them"
    return Outcome("files", "Completed", sentence, {"released": released})
