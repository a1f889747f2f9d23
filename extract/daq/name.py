"""What the name of a detector file says: station, start time, kind, version."""

import re
from calendar import isleap
from dataclasses import dataclass
from datetime import datetime, timedelta

SUFFIXES = {
    ".hld.tar.gz": "hld",
    ".hld-tar-gz": "hld",
    ".dat.tar.gz": "dat",
    ".dat.gz": "dat",
    ".tar.gz": None,
    ".hld": "hld",
    ".dat": "dat",
}
"""Known endings, longest first, and the kind of content each promises (None: the archive member's name says it)."""

IGNORED_ENDINGS = (".part", ".meta.json")
MAX_VERSION = 32_767

_SUFFIX = re.compile(rf"(?ai:{'|'.join(re.escape(suffix) for suffix in SUFFIXES)})\Z")
_VERSION = re.compile(r"~([1-9][0-9]{0,4})\Z")
_STEM = re.compile(r"(?i:mi)(0[0-9]|n[Ii])([0-9]{11})")


class BadNameError(ValueError):
    """A name that is not of the normal form; the message says why."""


@dataclass(frozen=True)
class RawName:
    """A parsed file name. ``start_time`` is UTC without zone; ``kind`` is ``dat``, ``hld`` or None when not told."""

    file_name: str
    base_name: str
    station_id: int
    file_id: int
    start_time: datetime
    kind: str | None
    version_number: int = 1


def is_ignored(name: str) -> bool:
    """Whether a file is none of ours to read: an unfinished transfer, a sidecar or a hidden file."""
    return name.startswith(".") or name.endswith(IGNORED_ENDINGS)


def parse_name(path: str) -> RawName:
    """Read the last component of ``path``.

    Raises
    ------
    BadNameError
        When it is not ``mi0<station><YY><DDD><HHMMSS>`` (or the legacy prefix ``minI``, station 1) with a known suffix.
    """
    file_name = path.rstrip("/").rpartition("/")[2]
    stem, version_number = _without_version(file_name)
    found = _SUFFIX.search(stem)
    if found is None or is_ignored(stem):
        raise BadNameError(f"{file_name}: no known suffix")
    match = _STEM.fullmatch(stem[: found.start()])
    if match is None:
        raise BadNameError(f"{file_name}: not mi0<station><YY><DDD><HHMMSS>")
    prefix, digits = match.groups()
    station_id = 1 if prefix.startswith("n") else int(prefix[1])
    return RawName(
        file_name=file_name,
        base_name=f"mi0{station_id}{digits}",
        station_id=station_id,
        file_id=station_id * 10**11 + int(digits),
        start_time=_start_time(file_name, digits),
        kind=SUFFIXES[found[0].lower()],
        version_number=version_number,
    )


def _without_version(file_name: str) -> tuple[str, int]:
    match = _VERSION.search(file_name)
    if match is None:
        return file_name, 1
    version_number = int(match.group(1))
    if version_number > MAX_VERSION:
        raise BadNameError(f"{file_name}: version above {MAX_VERSION}")
    return file_name[: match.start()], version_number


def _start_time(file_name: str, digits: str) -> datetime:
    """The time in the 11 digits ``YYDDDHHMMSS``."""
    year, day = 2000 + int(digits[:2]), int(digits[2:5])
    hour, minute, second = int(digits[5:7]), int(digits[7:9]), int(digits[9:])
    if not 1 <= day <= 365 + isleap(year):
        raise BadNameError(f"{file_name}: day {day:03d} does not exist in {year}")
    try:
        return datetime(year, 1, 1, hour, minute, second) + timedelta(days=day - 1)
    except ValueError as error:
        raise BadNameError(f"{file_name}: {error}") from error
