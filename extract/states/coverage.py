"""What is missing and what is covered, by station and day, and whose fault a gap between two files is."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Literal

from extract.states.state import FileState

STATION_GAP = timedelta(hours=2)
"""The acquisition of a station is started again when its newest file is older than this."""

USUAL = timedelta(minutes=60)
"""Time between two files where too few tell it."""

MIN_FILES_FOR_USUAL = 10
LONGER_BY = 1.5

Cause = Literal["fetch", "station", "short", "unlisted"]
"""Files of the gap lie on the server; the station took none for two hours or more; it was started again sooner; or no
listing reaches so far back that anybody could tell."""


@dataclass(frozen=True)
class DayCoverage:
    """Detector files of one station that begin on one day, and how far they came."""

    station_id: int
    day: date
    n_remote: int
    n_landed: int
    n_in_lake: int
    n_published: int
    n_missing: int
    n_rejected: int


@dataclass(frozen=True)
class Gap:
    """An unusual time between the begins of two files we have; ``n_remote`` files of it can be fetched."""

    station_id: int
    begins_at: datetime
    ends_at: datetime
    cause: Cause
    n_remote: int

    @property
    def hours(self) -> float:
        """Length, h."""
        return (self.ends_at - self.begins_at).total_seconds() / 3600


def detector_files(files: Iterable[FileState], first: date | None, last: date | None) -> list[FileState]:
    """Detector files with a time within days, both included; those whose names keep them out are left out."""
    return [
        file
        for file in files
        if file.kind in ("dat", "hld")
        and file.file_time is not None
        and file.station_id is not None
        and file.reason not in ("bad_name", "wrong_station", "not_readable")
        and (first is None or file.file_time.date() >= first)
        and (last is None or file.file_time.date() <= last)
    ]


def is_missing(file: FileState) -> bool:
    """Whether a file is listed and not here, and could be fetched."""
    return file.state == "remote" and file.reason not in ("not_included", "not_regular", "empty_remote", "too_large")


def by_day(files: Iterable[FileState]) -> list[DayCoverage]:
    """Counts of every station and day with a file, by day and station."""
    groups: dict[tuple[date, int], list[FileState]] = defaultdict(list)
    for file in files:
        assert file.file_time is not None
        assert file.station_id is not None
        groups[file.file_time.date(), file.station_id].append(file)
    return [
        DayCoverage(
            station_id=station_id,
            day=day,
            n_remote=sum(file.is_remote for file in group),
            n_landed=sum(bool(file.sources) for file in group),
            n_in_lake=sum(file.is_in_lake for file in group),
            n_published=sum(bool(file.is_published) for file in group),
            n_missing=sum(is_missing(file) for file in group),
            n_rejected=sum(file.state == "rejected" for file in group),
        )
        for (day, station_id), group in sorted(groups.items())
    ]


def usual_interval(times: Sequence[datetime]) -> timedelta:
    """Median time between the begins of consecutive files."""
    steps = [after - before for before, after in pairwise(sorted(times))]
    if len(steps) < MIN_FILES_FOR_USUAL:
        return USUAL
    return timedelta(seconds=median(step.total_seconds() for step in steps))


def find_gaps(
    files: Iterable[FileState], until: Mapping[int, datetime], listed_from: Mapping[int, datetime]
) -> list[Gap]:
    """The gaps between files we have, by station and time.

    Parameters
    ----------
    until
        By station the end of the days looked at, so that a station that fell silent shows a gap; UTC.
    listed_from
        By station the oldest file time of the newest listing; UTC.
    """
    of_station: dict[int, list[FileState]] = defaultdict(list)
    for file in files:
        if file.station_id is not None and file.file_time is not None:
            of_station[file.station_id].append(file)
    return [
        gap
        for station_id, group in sorted(of_station.items())
        for gap in _gaps(station_id, group, until.get(station_id), listed_from.get(station_id))
    ]


def _gaps(
    station_id: int, files: list[FileState], until: datetime | None, listed_from: datetime | None
) -> Iterator[Gap]:
    times = sorted(file.file_time for file in files if file.file_time and file.state != "remote")
    remote = sorted(file.file_time for file in files if file.file_time and is_missing(file))
    longest = usual_interval([*times, *remote]) * LONGER_BY
    if not times:
        return
    ends = [*times, until] if until is not None and until > times[-1] else times
    for before, after in pairwise(ends):
        if after - before <= longest:
            continue
        n_remote = sum(before < time < after for time in remote)
        yield Gap(station_id, before, after, _cause(before, after, n_remote, listed_from), n_remote)


def _cause(before: datetime, after: datetime, n_remote: int, listed_from: datetime | None) -> Cause:
    if n_remote:
        return "fetch"
    if listed_from is None or before < listed_from:
        return "unlisted"
    return "station" if after - before >= STATION_GAP else "short"
