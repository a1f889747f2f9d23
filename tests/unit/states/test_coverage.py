"""Gaps are told by their cause, and every file of a day is counted once."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.states.coverage import by_day, detector_files, find_gaps, usual_interval
from extract.states.state import FileState, State

START = datetime(2025, 6, 10)
MINUTE = timedelta(minutes=1)


def file_at(minute: float, state: State = "published", **facts: object) -> FileState:
    time = START + minute * MINUTE
    landed: dict[str, object] = {"sources": ("dat/x",), "is_in_lake": True, "is_published": state == "published"}
    known = (landed if state != "remote" else {"is_remote": True}) | facts
    return FileState(1, "dat", f"mi01{minute}", state, time, 1, **known)  # type: ignore[arg-type]


def regular(*without: int, n: int = 40) -> list[FileState]:
    """A file each 40 minutes, some left out."""
    return [file_at(40 * i) for i in range(n) if i not in without]


def test_no_gap_between_regular_files() -> None:
    assert find_gaps(regular(), {}, {1: START}) == []
    assert find_gaps([], {1: START}, {}) == []


@pytest.mark.parametrize(
    ("without", "remote", "listed", "cause"),
    [
        ((10, 11, 12), (11,), START, "fetch"),
        ((10, 11, 12), (), START, "station"),
        ((10,), (), START, "short"),
        ((10, 11, 12), (), None, "unlisted"),
        ((10, 11, 12), (), START + timedelta(days=1), "unlisted"),
    ],
)
def test_cause_of_a_gap(without: tuple[int, ...], remote: tuple[int, ...], listed: datetime | None, cause: str) -> None:
    files = [*regular(*without), *(file_at(40 * i, "remote") for i in remote)]
    (gap,) = find_gaps(files, {}, {} if listed is None else {1: listed})
    assert (gap.begins_at, gap.cause, gap.n_remote) == (START + 360 * MINUTE, cause, len(remote))
    assert gap.hours == pytest.approx((len(without) + 1) * 2 / 3)


def test_station_that_fell_silent() -> None:
    files = regular()
    end = START + timedelta(days=3)
    (gap,) = find_gaps(files, {1: end}, {1: START})
    assert (gap.ends_at, gap.cause) == (end, "station")


def test_usual_interval_is_robust() -> None:
    times = [file.file_time for file in regular(5, 6, 7, 20) if file.file_time]
    assert usual_interval(times) == 40 * MINUTE
    assert usual_interval(times[:3]) == 60 * MINUTE


@given(
    files=st.lists(
        st.builds(file_at, st.integers(0, 10_000), st.sampled_from(["remote", "acquired", "rejected", "published"]))
    )
)
def test_every_file_is_counted_on_its_day(files: list[FileState]) -> None:
    days = by_day(detector_files(files, None, None))
    assert sum(day.n_missing + day.n_landed for day in days) == len(files)
    assert sum(day.n_rejected for day in days) == sum(file.state == "rejected" for file in files)
    first = [day.day for day in by_day(detector_files(files, START.date(), START.date()))]
    assert first in ([], [START.date()])
