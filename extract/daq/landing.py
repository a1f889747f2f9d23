"""What lies in landing: the detector files of a station, grouped by the file they are versions of."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from extract.daq.name import BadNameError, RawName, is_ignored, parse_name

KINDS = ("dat", "hld")
"""Folders of landing with detector files: the stations' text, and the event builder's binary."""

_STATION = "station="
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class LandingFile:
    """One file of landing. ``source_file`` is its path relative to the landing root; ``mtime_ns`` since 1970."""

    landing: Path
    source_file: str
    name: RawName
    size: int
    mtime_ns: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.landing / self.source_file


@dataclass(frozen=True)
class Sidecar:
    """Provenance of a landing file; times are UTC without zone."""

    modified_at: datetime
    fetched_at: datetime | None


@dataclass
class StationFiles:
    """The files of one station: ``groups`` by base name; counts of what is not read and why."""

    station_id: int
    groups: dict[str, list[LandingFile]] = field(default_factory=dict)
    bad_names: list[str] = field(default_factory=list)
    wrong_station: list[str] = field(default_factory=list)


def list_stations(landing: Path, stations: Iterable[int] | None = None) -> list[int]:
    """Stations with a folder of detector files in landing, of those asked for."""
    folders = [folder for kind in KINDS for folder in (landing / kind).glob(f"{_STATION}*")]
    names = (folder.name.removeprefix(_STATION) for folder in folders)
    found = {int(name) for name in names if name.isdecimal()}
    return sorted(found if stations is None else found & set(stations))


def list_files(landing: Path, station_id: int) -> StationFiles:
    """The detector files of a station, by names and sizes only; nothing is opened."""
    files = StationFiles(station_id)
    n_root = len(str(landing / "x")) - 1
    for entry in (entry for kind in KINDS for entry in _walk(landing / kind / f"{_STATION}{station_id}")):
        if is_ignored(entry.name):
            continue
        source_file = entry.path[n_root:]
        try:
            name = parse_name(entry.name)
        except BadNameError:
            files.bad_names.append(source_file)
            continue
        if name.station_id != station_id:
            files.wrong_station.append(source_file)
        else:
            stat = entry.stat()
            file = LandingFile(landing, source_file, name, stat.st_size, stat.st_mtime_ns)
            files.groups.setdefault(name.base_name, []).append(file)
    return files


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Regular files of a folder and of the month folders in it, by name; reject folders are left out."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith(("_", ".")):
                yield from _walk(Path(entry.path))
        elif entry.is_file():
            yield entry


def read_sidecar(file: LandingFile) -> Sidecar:
    """What the sidecar says; without one, or where it cannot be read, the file's own modification time."""
    content: dict[str, Any] = {}
    try:
        loaded = json.loads(file.path.with_name(f"{file.path.name}.meta.json").read_bytes())
        content = loaded if isinstance(loaded, dict) else {}
    except (FileNotFoundError, ValueError):
        pass
    modified_at = _read_time(content.get("remote_modified_at"))
    own = _EPOCH + timedelta(microseconds=file.mtime_ns // 1000)
    return Sidecar(modified_at or own, _read_time(content.get("fetched_at")))


def _read_time(text: object) -> datetime | None:
    """An ISO time as UTC without zone; a time without zone is UTC."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
