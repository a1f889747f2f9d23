"""Which lab logs of a station are fetched: every version of every log is kept, and none is fetched twice.

A version is known by folder, name, size and modification time on the station. Of two listings the top folder is the
first, so that a log that is moved to ``done/`` in between is seen at least once. A log grows while it is read: what was
received is a version of its own, known by what the station said before, so that the next run looks again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from extract.lab.name import LogName, parse_remote_log_name
from extract.transfer.sftp.remote import RemoteFile
from extract.transfer.sftp.select import MAX_BYTES, Choice, Word

Folder = Literal["top", "done"]
FOLDERS: tuple[Folder, ...] = ("top", "done")
DONE: Folder = "done"


@dataclass(frozen=True)
class LogVersion:
    """One state of a log on the station; the time is naive UTC to the second, None where the server says none."""

    folder: Folder
    name: str
    size: int
    modified_at: datetime | None


def version_of(folder: Folder, file: RemoteFile) -> LogVersion:
    """The version of a listed file."""
    modified_at = None if file.modified_at is None else file.modified_at.replace(microsecond=0)
    return LogVersion(folder, file.name, file.size, modified_at)


def versions_of(listings: Mapping[Folder, Sequence[RemoteFile]]) -> set[LogVersion]:
    """The versions of the logs that are listed; other names are left out."""
    files = ((folder, file) for folder, listed in listings.items() for file in listed)
    return {version_of(folder, file) for folder, file in files if parse_remote_log_name(file.name)}


def log_of(choice: Choice) -> tuple[Folder, LogName | None]:
    """Folder and name of a choice of `select_logs`; no name where it is none of a log and must never touch a path."""
    folder, _, name = choice.file.name.rpartition("/")
    return (DONE if folder else "top"), parse_remote_log_name(name)


def select_logs(
    listings: Mapping[Folder, Sequence[RemoteFile]], held: Collection[LogVersion], max_files: int
) -> list[Choice]:
    """What is to be done with every listed name.

    Parameters
    ----------
    listings
        Content of the top folder and of ``done/``.
    held
        Versions that landing or lake has.
    max_files
        Files to fetch at most; the others are `waiting`.

    Returns
    -------
    Every listed name once, those of ``done/`` with the folder before the name: first those to fetch, in the order of
    fetching (latest day first, of a day the top folder first), then the others as listed. Words are `fetch`, `waiting`,
    `skipped` (held), `empty_remote`, `not_regular`, `too_large` and `bad_name` (no log's name, ignored).
    """
    choices = [_judge(folder, file, held) for folder in FOLDERS for file in listings.get(folder, ())]
    wanted = sorted((choice for choice in choices if choice.word == "fetch"), key=_order)
    late = [choice.to("waiting") for choice in wanted[max_files:]]
    return [*wanted[:max_files], *late, *(choice for choice in choices if choice.word != "fetch")]


def _judge(folder: Folder, file: RemoteFile, held: Collection[LogVersion]) -> Choice:
    word: Word
    if not file.is_regular:
        word = "not_regular"
    elif parse_remote_log_name(file.name) is None:
        word = "bad_name"
    elif file.size <= 0:
        word = "empty_remote"
    elif file.size > MAX_BYTES:
        word = "too_large"
    else:
        word = "skipped" if version_of(folder, file) in held else "fetch"
    listed_name = file.name.replace("/", "\\")  # no file system has it in a name; here it stands for the folder
    return Choice(replace(file, name=listed_name if folder == "top" else f"{DONE}/{listed_name}"), word)


def _order(choice: Choice) -> tuple[int, int, str]:
    folder, log_name = log_of(choice)
    assert log_name is not None
    day = log_name.file_date or date.max  # the weight file without a day is always of today
    return -day.toordinal(), FOLDERS.index(folder), choice.file.name
