"""What the name of a detector file says: station, start time, kind, version."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

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
    file_name = PurePosixPath(path).name
    stem, version_number = _without_version(file_name)
    suffix = next((s for s in SUFFIXES if stem.lower().endswith(s)), None)
    if suffix is None or is_ignored(stem):
        raise BadNameError(f"{file_name}: no known suffix")
    match = _STEM.fullmatch(stem[: -len(suffix)])
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
        kind=SUFFIXES[suffix],
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
    start_of_year = datetime(year, 1, 1)
    days = (start_of_year.replace(year=year + 1) - start_of_year).days
    if not 1 <= day <= days:
        raise BadNameError(f"{file_name}: day {day:03d} does not exist in {year}")
    try:
        return start_of_year.replace(hour=hour, minute=minute, second=second) + timedelta(days=day - 1)
    except ValueError as error:
        raise BadNameError(f"{file_name}: {error}") from error
