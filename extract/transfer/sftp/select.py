"""Which files of a remote folder to fetch: every listed name gets exactly one word. Nothing is asked or opened."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Literal

from extract.daq.name import BadNameError, RawName, parse_name
from extract.transfer.sftp.held import Held
from extract.transfer.sftp.remote import RemoteFile

MAX_BYTES = 1 << 30
"""Size above which a file is not fetched."""
SECOND_LOOK_S = 30.0
"""Pause between two looks at a file whose age its server's clock does not tell."""
_MIB = 1 << 20

Word = Literal[
    "fetch",
    "skipped",
    "too_fresh",
    "empty_remote",
    "wrong_station",
    "bad_name",
    "not_regular",
    "too_large",
    "not_included",
    "out_of_window",
    "has_text",
    "implausible",
    "waiting",
    "fetched",
    "vanished",
    "failed",
]
"""What is to be done about a name (`fetch`), why nothing is, and what became of those that were to be fetched."""


@dataclass(frozen=True)
class Choice:
    """A listed file with its word; ``name`` is None where it cannot be read, ``detail`` says why something failed."""

    file: RemoteFile
    word: Word
    name: RawName | None = None
    is_implausible: bool = False
    detail: str = ""

    def to(self, word: Word, detail: str = "") -> "Choice":
        """The same file with another word."""
        return replace(self, word=word, detail=detail)


@dataclass(frozen=True)
class Plausible:
    """Usual HLD files of a station: size (MiB) and time to the next file (minutes), both from and to."""

    size_mib: tuple[float, float]
    gap_min: tuple[float, float]


Order = Callable[[Sequence[Choice]], list[Choice]]


def newest_first(choices: Sequence[Choice]) -> list[Choice]:
    """The latest start first; names decide between equal times."""
    return sorted(choices, key=_start, reverse=True)


def oldest_first(choices: Sequence[Choice]) -> list[Choice]:
    """The earliest start first."""
    return sorted(choices, key=_start)


def _start(choice: Choice) -> tuple[datetime, str]:
    assert choice.name
    return choice.name.start_time, choice.file.name


@dataclass(frozen=True)
class Wanted:
    """What a run wants of a folder.

    Attributes
    ----------
    station_id, kind
        Station and `dat` or `hld`.
    include, exclude
        Shell patterns of names.
    first, last
        First and last UTC day of the start time, inclusive; None leaves an end open.
    min_age_s
        Age since the last change a file must have, s.
    order, max_files
        Which come first, and how many at most; None is all.
    has_force_hld
        Fetch HLD although the text is here.
    plausible, hld_window
        Usual HLD files, and what is done about others.
    """

    station_id: int
    kind: Literal["dat", "hld"]
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    min_age_s: float = 600.0
    order: Order = newest_first
    max_files: int | None = None
    has_force_hld: bool = False
    plausible: Plausible | None = None
    hld_window: Literal["flag", "filter", "off"] = "flag"


@dataclass(frozen=True)
class Looks:
    """What is known about files without a believable age: names whose size stayed equal in two looks."""

    steady: Collection[str] = field(default_factory=frozenset)


def needs_second_look(file: RemoteFile, now: datetime) -> bool:
    """Whether the age of a file cannot be told: no modification time, or one in the future."""
    return file.modified_at is None or file.modified_at > now


def select_files(
    files: Iterable[RemoteFile], wanted: Wanted, held: Held, now: datetime, looks: Looks | None = None
) -> list[Choice]:
    """Every listed file once, with its word; those to fetch first, in order. A name listed twice counts once.

    Parameters
    ----------
    held
        What landing and lake hold.
    now
        UTC time of the listing.
    looks
        Without it a file without a believable age is `too_fresh`.
    """
    unique = list({file.name: file for file in files}.values())
    named = [_read_name(file, wanted) for file in unique]
    implausible = _implausible(named, wanted)
    flagged = [replace(c, is_implausible=True) if c.file.name in implausible else c for c in named]
    judged = [_judge(choice, wanted, held, now, looks or Looks()) for choice in flagged]
    chosen = wanted.order([choice for choice in judged if choice.word == "fetch"])
    limit = len(chosen) if wanted.max_files is None else wanted.max_files
    left = [choice.to("waiting") for choice in chosen[limit:]]
    return chosen[:limit] + left + [choice for choice in judged if choice.word != "fetch"]


def _read_name(file: RemoteFile, wanted: Wanted) -> Choice:
    """The first questions, which the name alone answers."""
    if not _is_wanted(file.name, wanted):
        return Choice(file, "not_included")
    try:
        if "/" in file.name or not file.name.isascii():
            raise BadNameError(file.name)
        name = parse_name(file.name)
    except BadNameError:
        return Choice(file, "bad_name")
    if name.version_number != 1 or (name.kind or wanted.kind) != wanted.kind:
        return Choice(file, "bad_name")
    return Choice(file, "fetch" if name.station_id == wanted.station_id else "wrong_station", name)


def _is_wanted(name: str, wanted: Wanted) -> bool:
    is_included = any(fnmatchcase(name, pattern) for pattern in wanted.include)
    return is_included and not any(fnmatchcase(name, pattern) for pattern in wanted.exclude)


def _judge(choice: Choice, wanted: Wanted, held: Held, now: datetime, looks: Looks) -> Choice:
    """The further questions, in this order."""
    file, name = choice.file, choice.name
    if choice.word != "fetch":
        return choice
    assert name
    if not file.is_regular:
        return choice.to("not_regular")
    if file.size == 0:
        return choice.to("empty_remote")
    if _is_fresh(file, wanted, now, looks):
        return choice.to("too_fresh")
    if not _is_in_window(name, wanted):
        return choice.to("out_of_window")
    if held.holds(name, wanted.kind, file.size):
        return choice.to("skipped")
    if file.size > MAX_BYTES:
        return choice.to("too_large")
    if wanted.kind == "hld" and not wanted.has_force_hld and held.has_text(name.base_name):
        return choice.to("has_text")
    if choice.is_implausible and wanted.hld_window == "filter":
        return choice.to("implausible")
    return choice


def _is_in_window(name: RawName, wanted: Wanted) -> bool:
    day = name.start_time.date()
    return (wanted.first is None or wanted.first <= day) and (wanted.last is None or day <= wanted.last)


def _is_fresh(file: RemoteFile, wanted: Wanted, now: datetime, looks: Looks) -> bool:
    if needs_second_look(file, now):
        return file.name not in looks.steady
    assert file.modified_at
    return now - file.modified_at < timedelta(seconds=wanted.min_age_s)


def _implausible(choices: Sequence[Choice], wanted: Wanted) -> set[str]:
    """Names of HLD files of unusual size, or unusually long or short before the next; the last has no next."""
    limits = wanted.plausible
    if wanted.kind != "hld" or limits is None or wanted.hld_window == "off":
        return set()
    ours = oldest_first([choice for choice in choices if choice.word == "fetch"])
    starts = sorted({choice.name.start_time for choice in ours if choice.name})
    following = dict(pairwise(starts))
    return {choice.file.name for choice in ours if not _is_plausible(choice, following, limits)}


def _is_plausible(choice: Choice, following: Mapping[datetime, datetime], limits: Plausible) -> bool:
    assert choice.name
    smallest, largest = limits.size_mib
    if not smallest <= choice.file.size / _MIB <= largest:
        return False
    start = choice.name.start_time
    if start not in following:
        return True
    shortest, longest = limits.gap_min
    return shortest <= (following[start] - start).total_seconds() / 60 <= longest


def count_words(choices: Iterable[Choice]) -> dict[str, int]:
    """Number of files by word."""
    return dict(Counter(choice.word for choice in choices))
