"""Four stations behind one SSH server for the tests of fetching: their folders, their settings, what is to be found.

Two hundred names in all; everything that is odd about them is on the first station.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from simulate.config import StationConfig
from simulate.file import simulate_file
from simulate.openssh import OpenSsh
from simulate.remote import fill_station, set_modified

N_STATIONS = 4
N_EACH = 50
START = datetime(2025, 3, 3)
EVERY = timedelta(minutes=30)
GROWING = "mi0125100000000.dat"
FOREIGN = "mi0225100003000.dat"
ODD: Mapping[str, str] = {
    GROWING: "too_fresh",
    FOREIGN: "wrong_station",
    "..mi0125100010000.dat": "bad_name",
    "mi0125100013000.dat..": "not_included",
    "mi0125100\n020000.dat": "bad_name",
    "mi0125100023000\x1b[2J.dat": "bad_name",
    "mi01251\uff10\uff10030000.dat": "bad_name",
    f"mi01{'1' * 247}.dat": "bad_name",
    "mi0125100033000.dat": "empty_remote",
    "mi0125100040000.dat": "not_regular",
    "mi0125100043000.dat": "not_regular",
    "notes.txt": "not_included",
}
"""Names beside the good ones of the first station, and what a run says of each."""
BIG_EVENTS = 1_500


@dataclass
class World:
    """The server, its folders by station number, and the names of the good files by station number, in time order."""

    server: OpenSsh
    good: dict[int, list[str]] = field(default_factory=dict)

    def folder(self, station: int) -> Path:
        """A station's folder on the server."""
        return self.server.root / f"station{station}"

    def settings(
        self, known_hosts: Mapping[int, Path], ports: Mapping[int, int] | None = None, **acquire: object
    ) -> str:
        """A configuration for the stations that have pinned keys; ports other than the server's may be given."""
        lines = ["[acquire]", *(f"{name} = {value}" for name, value in {"min_free_gib": 0, **acquire}.items())]
        for station, pins in known_hosts.items():
            port = (ports or {}).get(station, self.server.ports[station - 1])
            lines.append(source_settings(station, self.server, self.server.remote(self.folder(station)), pins, port))
        return "\n".join(lines) + "\n"


class Host(Protocol):
    """A server of either kind."""

    host: str
    user: str
    client_key: Path


def source_settings(station: int, host: Host, directory: str, known_hosts: Path, port: int) -> str:
    """The entry of a station's detector files."""
    lines = [
        f"[acquire.stations.MINGO{station:02d}.dat]",
        f'host = "{host.host}"',
        f"port = {port}",
        f'user = "{host.user}"',
        f'key_file = "{host.client_key}"',
        f'known_hosts = "{known_hosts}"',
        f'directory = "{directory}"',
    ]
    return "\n".join(lines) + "\n"


def make_world(server: OpenSsh) -> World:
    """Fill the folders; the growing file has been written to just now."""
    world = World(server)
    for station in range(1, N_STATIONS + 1):
        n_good = N_EACH - (len(ODD) if station == 1 else 0)
        paths = fill_station(
            world.folder(station), station, n_good, start=START, every=EVERY, containers=("plain", "gz", "tar_gz")
        )
        world.good[station] = [path.name for path in paths]
    _write_odd(world.folder(1))
    # a file of a megabyte, so that a line can break in the middle of it
    big = world.folder(2) / world.good[2][0]
    write_text(big, 2, BIG_EVENTS)
    return world


def write_text(path: Path, station: int, n_events: int, modified_at: datetime | None = None) -> None:
    """Write a plain detector file of so many events into its place, with the time it has, or a given one."""
    kept = path.stat().st_mtime if path.exists() else None
    begin = datetime.strptime(path.name[4:15], "%y%j%H%M%S")
    path.write_bytes(simulate_file(n_events, station=StationConfig(station_id=station), start=begin).content)
    if modified_at is not None:
        set_modified(path, modified_at)
    elif kept is not None:
        os.utime(path, (kept, kept))


def _write_odd(folder: Path) -> None:
    for name in ODD:
        path = folder / name
        if ODD[name] == "not_regular":
            continue
        path.write_bytes(b"" if ODD[name] == "empty_remote" else b"odd\n")
        set_modified(path, START)
    links = [name for name, word in ODD.items() if word == "not_regular"]
    (folder / links[0]).symlink_to("/etc/passwd")
    (folder / links[1]).mkdir()
    write_text(folder / GROWING, 1, 3, datetime.now(UTC).replace(tzinfo=None))
    write_text(folder / FOREIGN, 2, 3, START)


def tree(*folders: Path) -> dict[str, tuple[str, int, bytes]]:
    """Everything below some folders: kind, modification time (ns) and content by path."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            stat = path.lstat()
            kind = "link" if path.is_symlink() else "folder" if path.is_dir() else "file"
            time_ns = stat.st_mtime_ns if kind == "file" else 0
            found[str(path)] = (kind, time_ns, path.read_bytes() if kind == "file" else b"")
    return found
