"""In which order old files are fetched and extracted: oldest first, newest first, or one day drawn at random."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Literal, Protocol, TypeVar, get_args

from extract.daq.name import RawName

Mode = Literal["range", "newest", "random_day"]
MODES: tuple[Mode, ...] = get_args(Mode)

SETTLED_DAYS = 5
"""Days of the newest files that are not drawn: the live runs still bring them."""


class Named(Protocol):
    """Anything that is called by the name of a detector file."""

    @property
    def name(self) -> RawName:
        """The parsed name."""


File = TypeVar("File", bound=Named)


def day_of(file: Named) -> date:
    """The UTC day on which a file begins."""
    return file.name.start_time.date()


def within(files: Iterable[File], first: date | None, last: date | None) -> list[File]:
    """The files that begin from ``first`` to ``last``, both days inclusive; None leaves that end open."""
    return [f for f in files if (first is None or first <= day_of(f)) and (last is None or day_of(f) <= last)]


def oldest_first(files: Iterable[File]) -> list[File]:
    """By the time in the name; ties by station, then by name."""
    return sorted(files, key=_key)


def newest_first(files: Iterable[File]) -> list[File]:
    """The reverse of `oldest_first`."""
    return sorted(files, key=_key, reverse=True)


def _key(file: Named) -> tuple[float, str, str]:
    name = file.name
    return (name.start_time - name.start_time.min).total_seconds(), name.base_name, name.file_name


def drawable_days(files: Iterable[Named], first: date, today: date) -> list[date]:
    """The days, in order, on which any of the files begins, from ``first`` to `SETTLED_DAYS` before ``today``."""
    last = today - timedelta(days=SETTLED_DAYS)
    return sorted({day for file in files if first <= (day := day_of(file)) <= last})


def draw_day(days: Iterable[date], seed: int) -> date | None:
    """One of the days, each as likely as any other over all seeds; None where there is none.

    The day with the smallest hash of seed and day: days that come or go beside it do not change the draw, so that a
    run which was stopped draws the same day again.
    """
    return min(days, key=lambda day: sha256(f"{seed} {day.isoformat()}".encode()).digest(), default=None)


def in_order(files: Sequence[File], mode: Mode, first: date | None, last: date | None) -> list[File]:
    """The files between two days (inclusive) in the order of a mode; those of a drawn day are oldest first."""
    chosen = within(files, first, last)
    return newest_first(chosen) if mode == "newest" else oldest_first(chosen)
