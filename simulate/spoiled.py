"""Detector files that are wrong as a whole: empty, binary, of another station, corrupt, unsafe, twice there.

Each is made from a sound file, so that what a reader must say about it is known.
"""

import io
import tarfile
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from simulate.file import DetectorFile, base_name
from simulate.landing import pack

CUT_FROM_END = 40


@dataclass(frozen=True)
class SpoiledFile:
    """A file to be put into landing.

    Attributes
    ----------
    kind
        What is wrong with it.
    name
        Its name, with a version mark where it has one.
    content
        Its bytes.
    status
        The status word a reader must give it, looked at alone; ``ok`` where only its company is wrong.
    """

    kind: str
    name: str
    content: bytes
    status: str


def spoiled_files(file: DetectorFile, start: datetime, seed: int = 1) -> list[SpoiledFile]:
    """One file of every kind of spoiling.

    Parameters
    ----------
    file
        A sound file without defects, of at least two lines.
    start
        The time in its name, UTC.
    """
    rng = np.random.default_rng(seed)
    name = f"{file.base_name}.dat"
    station = file.station.station_id
    other = base_name(station % 4 + 1, start)
    twin = base_name(station, start + timedelta(seconds=1))
    packed = pack(file.content, name, "gz", start)
    first_line = file.content.index(b"\n") + 1
    return [
        SpoiledFile("zero_byte", name, b"", "empty_file"),
        SpoiledFile("binary", name, rng.integers(128, 256, 100_000, dtype=np.uint8).tobytes(), "binary_file"),
        SpoiledFile("no_event", name, b"\n".join([b"2025 06 10", b"", b"nothing"]) + b"\n", "no_events"),
        SpoiledFile("wrong_station", f"{other}.dat", file.content, "wrong_station"),
        SpoiledFile("second_version", f"{name}~2", file.content + file.content[:first_line], "ok"),
        SpoiledFile("cut_copy", f"{name}~3", file.content[:first_line], "ok"),
        SpoiledFile("twin", f"{twin}.dat", file.content, "ok"),
        SpoiledFile("corrupt_gzip", f"{name}.gz", packed[:-CUT_FROM_END], "bad_container"),
        SpoiledFile("two_members", f"{name}.tar.gz", _archive([name, f"{other}.dat"], file, start), "bad_container"),
        SpoiledFile("unsafe_tar", f"{name}.tar.gz", _archive([f"../{name}"], file, start), "container_unsafe"),
        SpoiledFile("link_tar", f"{name}.tar.gz", _archive([name], file, start, is_link=True), "container_unsafe"),
    ]


def _archive(members: list[str], file: DetectorFile, moment: datetime, *, is_link: bool = False) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for member in members:
            info = tarfile.TarInfo(member)
            if is_link:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
                tar.addfile(info)
            else:
                info.size = len(file.content)
                tar.addfile(info, io.BytesIO(file.content))
    return pack(archive.getvalue(), "", "gz", moment)
