"""Which versions of the lab logs of a station are held: by the sidecars in landing and by the rows of `env_file`."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from extract.lab.schema import SOURCE
from extract.provenance import ENV_FILE
from extract.transfer.place import find_same, without_version
from extract.transfer.sftp.logs import DONE, FOLDERS, Folder, LogVersion
from extract.transfer.sidecar import Sidecar, from_iso, is_landing_name, read_sidecar, to_iso, write_sidecar
from warehouse.lake import list_files

FURTHER = "further_versions"
"""Key in the request of a sidecar: versions on the station with the same bytes as the one the sidecar is of."""


@dataclass
class Held:
    """What is held of one station: versions, and the files in landing by folder and name."""

    versions: set[LogVersion] = field(default_factory=set)
    paths: dict[tuple[Folder, str], list[Path]] = field(default_factory=lambda: defaultdict(list))


def station_folder(landing: Path, station_id: int) -> Path:
    """Where the logs of a station lie in landing."""
    return landing / SOURCE / f"station={station_id}"


def read_held(landing: Path, lake: Path, station_id: int, listed: Collection[LogVersion]) -> Held:
    """What landing and lake hold of the listed names.

    A file counts while its sidecar is there and says its size; a lake row counts for a file that landing has lost.
    """
    held = Held()
    names = {version.name for version in listed}
    in_landing: set[str] = set()
    for folder in FOLDERS:
        for path in (station_folder(landing, station_id) / folder).glob("*/*"):
            name = without_version(path.name)
            if name not in names or not is_landing_name(path.name):
                continue
            held.paths[folder, name].append(path)
            sidecar = read_sidecar(path)
            if sidecar is not None and sidecar.size == path.stat().st_size:
                held.versions.update(_versions(sidecar, folder, name))
                in_landing.add(f"{path.name}-{sidecar.file_sha256[:12]}")
    missing = {version.name for version in listed if version not in held.versions}
    held.versions |= _versions_in_lake(lake, station_id, missing, in_landing)
    return held


def find_held(held: Held, folder: Folder, name: str, sidecar: Sidecar) -> Path | None:
    """The file of landing with the bytes that were just received; it learns of the version they came from.

    The copy in ``done/`` is kept beside an equal one in the top folder: only there the last line counts as finished.
    """
    candidates = held.paths[DONE, name] + (held.paths[folder, name] if folder != DONE else [])
    path = find_same(candidates, sidecar.file_sha256, sidecar.size)
    if path is None:
        return None
    known = read_sidecar(path) or sidecar
    version = LogVersion(folder, name, sidecar.size, sidecar.remote_modified_at)
    own_folder: Folder = DONE if path in held.paths[DONE, name] else folder
    if version not in _versions(known, own_folder, name):
        further = [*_further(known), _entry(version)]
        known = replace(known, request={**known.request, FURTHER: further})
    write_sidecar(path, known)
    return path


def _versions(sidecar: Sidecar, folder: Folder, name: str) -> set[LogVersion]:
    """The versions a sidecar speaks of."""
    versions = {LogVersion(folder, name, sidecar.size, sidecar.remote_modified_at)}
    for entry in _further(sidecar):
        try:
            versions.add(LogVersion(entry["folder"], name, int(entry["size"]), from_iso(entry["modified_at"])))
        except (KeyError, TypeError, ValueError):
            continue
    return versions


def _further(sidecar: Sidecar) -> list[dict[str, Any]]:
    further = sidecar.request.get(FURTHER)
    return [entry for entry in further if isinstance(entry, dict)] if isinstance(further, list) else []


def _entry(version: LogVersion) -> dict[str, Any]:
    return {"folder": version.folder, "size": version.size, "modified_at": to_iso(version.modified_at)}


def _versions_in_lake(
    lake: Path, station_id: int, names: Collection[str], in_landing: Collection[str]
) -> set[LogVersion]:
    """Versions of these names by their rows of `env_file`; those of files that landing still has are not opened."""
    versions = set()
    for path in list_files(lake, ENV_FILE, station_id) if names else []:
        stem = path.name.rpartition("-p")[0]
        name = without_version(stem.rpartition("-")[0])
        if name in names and stem not in in_landing:
            versions.update(_rows(path, name))
    return versions


def _rows(path: Path, name: str) -> set[LogVersion]:
    columns = ["source", "remote_folder", "file_size_bytes", "remote_modified_at"]
    rows: list[dict[str, Any]] = pq.read_table(path, columns=columns, partitioning=None).to_pylist()
    return {
        LogVersion(row["remote_folder"], name, row["file_size_bytes"], _to_second(row["remote_modified_at"]))
        for row in rows
        if row["source"] == SOURCE
    }


def _to_second(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(microsecond=0)
