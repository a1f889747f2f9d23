"""Which lab logs of a station are fetched: every version of every log is kept, and none is fetched twice.

A version is known by folder, name, size and modification time on the station. Of two listings the top folder is the
first, so that a log that is moved to ``done/`` in between is seen at least once. A log grows while it is read: what was
received is a version of its own, known by what the station said before, so that the next run looks again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from extract.lab.name import LogName, parse_remote_log_name
from extract.transfer.sftp.remote import RemoteFile

Folder = Literal["top", "done"]
FOLDERS: tuple[Folder, ...] = ("top", "done")
DONE: Folder = "done"
MAX_FILE_BYTES = 1 << 30


@dataclass(frozen=True)
class LogVersion:
    """One state of a log on the station; the time is naive UTC to the second, None where the server says none."""

    folder: Folder
    name: str
    size: int
    modified_at: datetime | None


@dataclass(frozen=True)
class ListedLog:
    """A listed name and what is to be done: `fetch`, `skipped`, `waiting` or why it is not wanted.

    ``log_name`` is None where the name is no log's; such a name must never touch a path.
    """

    folder: Folder
    file: RemoteFile
    outcome: str
    log_name: LogName | None = None

    @property
    def listed_name(self) -> str:
        """The name as the record of the listing has it: below ``done/`` with the folder."""
        return self.file.name if self.folder == "top" else f"{DONE}/{self.file.name}"

    @property
    def version(self) -> LogVersion:
        """The version that the station offers."""
        return version_of(self.folder, self.file)


def version_of(folder: Folder, file: RemoteFile) -> LogVersion:
    """The version of a listed or asked for file."""
    modified_at = None if file.modified_at is None else file.modified_at.replace(microsecond=0)
    return LogVersion(folder, file.name, file.size, modified_at)


def accepted_names(listings: Mapping[Folder, Sequence[RemoteFile]]) -> set[str]:
    """The names in the listings that are names of logs."""
    return {file.name for files in listings.values() for file in files if parse_remote_log_name(file.name)}


def select_logs(
    listings: Mapping[Folder, Sequence[RemoteFile]], held: Collection[LogVersion], max_files: int
) -> list[ListedLog]:
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
    Every listed name once: first those to fetch, in the order of fetching (latest day first, of a day the top folder
    first), then the others as listed. Outcomes are `fetch`, `waiting`, `skipped` (held), `empty_remote`, `not_regular`,
    `too_large` and `bad_name`.
    """
    listed = [_judge(folder, file, held) for folder in FOLDERS for file in listings.get(folder, ())]
    wanted = sorted((one for one in listed if one.outcome == "fetch"), key=_order)
    late = [ListedLog(one.folder, one.file, "waiting", one.log_name) for one in wanted[max_files:]]
    return [*wanted[:max_files], *late, *(one for one in listed if one.outcome != "fetch")]


def n_ignored_names(selected: Iterable[ListedLog]) -> int:
    """Names that are not names of logs; folders are not counted."""
    return sum(one.outcome == "bad_name" for one in selected)


def _judge(folder: Folder, file: RemoteFile, held: Collection[LogVersion]) -> ListedLog:
    log_name = parse_remote_log_name(file.name)
    if not file.is_regular:
        outcome = "not_regular"
    elif log_name is None:
        outcome = "bad_name"
    elif file.size <= 0:
        outcome = "empty_remote"
    elif file.size > MAX_FILE_BYTES:
        outcome = "too_large"
    else:
        outcome = "skipped" if version_of(folder, file) in held else "fetch"
    return ListedLog(folder, file, outcome, log_name)


def _order(one: ListedLog) -> tuple[int, int, str]:
    assert one.log_name is not None
    day = one.log_name.file_date or date.max  # the weight file without a day is always of today
    return -day.toordinal(), FOLDERS.index(one.folder), one.file.name
