"""A station's folder as its SFTP server shows it: detector files of few events, one after the other."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

from simulate.config import Container, StationConfig
from simulate.file import base_name, simulate_file
from simulate.landing import SUFFIX, pack


def fill_station(
    folder: Path,
    station_id: int,
    n_files: int,
    *,
    start: datetime = datetime(2025, 3, 3),
    every: timedelta = timedelta(minutes=30),
    n_events: int = 5,
    containers: Sequence[Container] = ("plain",),
    seed: int = 1,
) -> list[Path]:
    """Write detector files of a station, small but complete, and return their paths in the order of time.

    Parameters
    ----------
    folder
        Where; made when absent.
    start, every
        UTC start of the first file, and time from one start to the next; a file's modification time is the next start.
    n_events
        Rows of each file, 662 bytes each.
    containers
        Forms of the files, in turns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    station = StationConfig(station_id=station_id)
    paths = []
    for number, container in zip(range(n_files), cycle(containers)):
        begin = start + number * every
        name = f"{base_name(station_id, begin)}.dat"
        content = simulate_file(n_events, station=station, start=begin, seed=seed).content
        path = folder / f"{name}{SUFFIX[container]}"
        path.write_bytes(pack(content, name, container, begin + every))
        set_modified(path, begin + every)
        paths.append(path)
    return paths


def set_modified(path: Path, moment: datetime) -> None:
    """Set the modification time of a file, UTC without zone."""
    unix_s = moment.replace(tzinfo=UTC).timestamp()
    os.utime(path, (unix_s, unix_s))
