"""Putting one file into a landing folder: complete with its sidecar, or not at all, and never over another file."""

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from extract.transfer.sidecar import PART_SUFFIX, SUFFIX, Sidecar, is_landing_name, read_sidecar, write_sidecar
from warehouse.files import CHUNK_BYTES, sha256_of_file, sync_file, sync_folder

LANDING_MODE = 0o440
REJECT_FOLDER = "_rejected"

_VERSION = re.compile(r"~[1-9][0-9]*$")


class CopyError(OSError):
    """A copy that is not the file it was made from."""


def without_version(name: str) -> str:
    """A name without the version mark ``~2``, ``~3``, ... at its end."""
    return _VERSION.sub("", name)


def versions_of(folder: Path, name: str) -> list[Path]:
    """The files ``name``, ``name~2``, ... in a folder."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if without_version(p.name) == name and is_landing_name(p.name))


def find_same(candidates: Iterable[Path], sha256: str, size: int) -> Path | None:
    """The first file with this content: hashes come from the sidecars, else from the files."""
    for path in candidates:
        if path.stat().st_size != size:
            continue
        sidecar = read_sidecar(path)
        is_known = sidecar is not None and sidecar.size == size
        known = sidecar.file_sha256 if sidecar is not None and is_known else sha256_of_file(path)
        if known == sha256:
            return path
    return None


def place(source: Path, folder: Path, name: str, sidecar: Sidecar) -> Path:
    """Copy a file into a folder under ``name``, or ``name~2``, ``~3``, ... where that is taken, and return the path.

    The copy keeps its modification time and can only be read; see `settle`.

    Raises
    ------
    CopyError
        When the copy is not what the sidecar says (the source changed meanwhile).
    OSError
        When source or landing fail.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (name + PART_SUFFIX)
    part.unlink(missing_ok=True)
    try:
        with source.open("rb") as reader, part.open("wb") as writer:
            shutil.copyfileobj(reader, writer, CHUNK_BYTES)
        if part.stat().st_size != sidecar.size or sha256_of_file(part) != sidecar.file_sha256:
            raise CopyError(f"{source} changed while it was copied")
        stat = source.stat()
        os.utime(part, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return settle(part, folder, name, sidecar)
    finally:
        part.unlink(missing_ok=True)


def place_bytes(content: bytes, folder: Path, name: str, sidecar: Sidecar) -> Path:
    """Write an answer that was received as a whole into a folder, as `place` does with a file."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (name + PART_SUFFIX)
    part.unlink(missing_ok=True)
    try:
        part.write_bytes(content)
        return settle(part, folder, name, sidecar)
    finally:
        part.unlink(missing_ok=True)


def settle(part: Path, folder: Path, name: str, sidecar: Sidecar) -> Path:
    """Move a complete file of this disk into a folder under ``name``, or ``name~2``, ... where that is taken.

    It can only be read. Sidecar and content are durable before the name appears; the names are made durable together,
    that of the sidecar comes first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = _free_name(folder, name)
    part.chmod(LANDING_MODE)
    sync_file(part)
    write_sidecar(path, replace(sidecar, size=part.stat().st_size))
    part.rename(path)
    sync_folder(folder)
    return path


def remove_parts(folder: Path) -> None:
    """Remove what a killed run left unfinished in the folders below; only under the lock of who writes there."""
    for pattern in ("*" + PART_SUFFIX, f".*{SUFFIX}.tmp.*"):
        for part in folder.rglob(pattern):
            part.unlink(missing_ok=True)


def _free_name(folder: Path, name: str) -> Path:
    number = 1
    path = folder / name
    while path.exists():
        number += 1
        path = folder / f"{name}~{number}"
    return path
