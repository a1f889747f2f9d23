"""Fetching many small files from a real SSH server on loopback: speed, memory, connections, beside OpenSSH's clients.

Every client is a process of its own and fetches the same files from the same server, one after the other.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Event, Thread, Timer

from extract.transfer.fetched import Progress
from simulate.openssh import OpenSsh
from simulate.processes import descendants, peak_bytes
from simulate.remote import fill_station
from warehouse.paths import PROJECT_ROOT

LOOK_S = 0.05
CLIENT_LIMIT_S = 1800.0
_DATA = "data"


class AcquireBenchError(RuntimeError):
    """A client that did not fetch what it was asked for; the message holds its last line."""


@dataclass(frozen=True)
class ClientCost:
    """What one client took.

    ``seconds`` of the wall, ``cpu_s`` of the client's processor time; ``peak_bytes`` of the client's processes
    and ``server_peak_bytes`` of the server's sessions, added up; ``max_open`` connections open at the same time;
    ``n_connections`` and ``n_sessions`` (SFTP sessions and commands) in all; ``n_opened`` files opened on the server,
    ``n_stat`` questions for the size of a name.
    """

    client: str
    n_files: int
    n_bytes: int
    seconds: float
    cpu_s: float
    peak_bytes: int
    server_peak_bytes: int
    max_open: int
    n_connections: int
    n_sessions: int
    n_opened: int
    n_stat: int

    @property
    def files_per_s(self) -> float:
        """Files per second of the wall."""
        return self.n_files / self.seconds

    @property
    def mb_per_s(self) -> float:
        """Megabytes (10^6 bytes) per second of the wall."""
        return self.n_bytes / 1e6 / self.seconds


@dataclass(frozen=True)
class AcquireCost:
    """Our run, our run with nothing to do, and the clients of OpenSSH, for the same files."""

    n_files: int
    n_bytes: int
    n_stations: int
    ours: ClientCost
    again: ClientCost
    others: list[ClientCost]

    def ratio(self, other: ClientCost) -> float:
        """How many times as long as the other client ours takes."""
        return self.ours.seconds / other.seconds


class _Watch:
    """The largest memory of each process of the server's sessions and of the client, and the open connections."""

    def __init__(self) -> None:
        self.server: dict[int, int] = {}
        self.client: dict[int, int] = {}
        self.max_open = 0
        self.client_pid: int | None = None

    @contextmanager
    def looking_at(self, server: OpenSsh) -> Iterator[None]:
        """Look again and again while the body runs; what a process took remains in its account until it ends."""
        over = Event()

        def look() -> None:
            while not over.wait(LOOK_S):
                _note(self.server, server.sessions())
                _note(self.client, [pid, *descendants(pid)] if (pid := self.client_pid) else [])
                self.max_open = max(self.max_open, server.n_open)

        thread = Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _note(peaks: dict[int, int], pids: list[int]) -> None:
    for pid in pids:
        peaks[pid] = max(peaks.get(pid, 0), peak_bytes(pid))


def bench_acquire(n_files: int, n_events: int, n_stations: int, on_step: Progress | None = None) -> AcquireCost:
    """Fetch the same files with `mingo acquire`, ``sftp`` and ``scp`` from one server.

    Parameters
    ----------
    n_files, n_events
        Files in all, and rows of each (662 bytes a row).
    n_stations
        Stations the files are of; `mingo acquire` asks them at the same time, the other clients one after the other.
    on_step
        Called with measurements done, their number, and the client that is next.

    Raises
    ------
    AcquireBenchError
        When a client fails, or what it fetched is not what the server has.
    OpenSshError
        When no OpenSSH server can run here.
    """
    with TemporaryDirectory(prefix="mingo-bench-") as scratch:
        folder = Path(scratch)
        with OpenSsh(folder / "sshd", n_ports=n_stations) as server:
            for station in range(1, n_stations + 1):
                n_own = n_files // n_stations + (station <= n_files % n_stations)
                fill_station(server.root / f"station{station}", station, n_own, n_events=n_events)
            files = {path.name: path.read_bytes() for path in server.root.rglob("*.dat")}
            n_bytes = sum(map(len, files.values()))
            server.write_known_hosts(folder / "known_hosts")
            _write_settings(folder, server, n_files)
            runs = _runs(folder, server)
            costs: list[ClientCost] = []
            for number, run in enumerate(runs):
                if on_step:
                    on_step(number, len(runs), run.client)
                costs.append(_measure(run, server, folder, *((n_files, n_bytes) if run.is_first else (0, 0))))
                _compare(run, files)
            if on_step:
                on_step(len(runs), len(runs), "")
    return AcquireCost(n_files, n_bytes, n_stations, costs[0], costs[1], costs[2:])


@dataclass(frozen=True)
class _Run:
    """A client's commands, one after the other, and the folder the files come into, empty when it is the first run."""

    client: str
    commands: list[list[str]]
    target: Path
    is_first: bool = True


def _runs(folder: Path, server: OpenSsh) -> list[_Run]:
    """Our run, the same once more, and OpenSSH's own clients with the same rules about keys."""
    ours = [[sys.executable, "-m", "flows.cli", "acquire", "events", "--json"]]
    landing = folder / _DATA / "landing"
    runs = [_Run("mingo acquire", ours, landing), _Run("mingo acquire again", ours, landing, is_first=False)]
    options = [f"UserKnownHostsFile={folder / 'known_hosts'}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"]
    words = ["-q", "-r", "-i", str(server.client_key), *(f"-o{option}" for option in [*options, "BatchMode=yes"])]
    for client in ("sftp", "sftp -f", "scp"):  # with -f each file is made durable, as ours are
        (target := folder / client.replace(" ", "")).mkdir()
        commands = [
            [
                *client.split(),
                *words,
                "-P",
                str(port),
                f"{server.user}@{server.host}:{_directory(server, station)}",
                str(target),
            ]
            for station, port in enumerate(server.ports, start=1)
        ]
        runs.append(_Run(client, commands, target))
    return runs


def _directory(server: OpenSsh, station: int) -> str:
    return server.remote(server.root / f"station{station}")


def _write_settings(folder: Path, server: OpenSsh, n_files: int) -> None:
    lines = [f'data_dir = "{folder / _DATA}"', "[acquire]", f"max_files = {n_files}", f"workers = {len(server.ports)}"]
    lines.append("min_free_gib = 0")
    for station, port in enumerate(server.ports, start=1):
        lines += [
            f"[acquire.stations.MINGO{station:02d}.dat]",
            f'host = "{server.host}"',
            f"port = {port}",
            f'user = "{server.user}"',
            f'key_file = "{server.client_key}"',
            f'known_hosts = "{folder / "known_hosts"}"',
            f'directory = "{_directory(server, station)}"',
        ]
    (folder / "mingo.toml").write_text("\n".join(lines) + "\n")


def _measure(run: _Run, server: OpenSsh, folder: Path, n_files: int, n_bytes: int) -> ClientCost:
    """Run the commands of a client one after the other."""
    mark, watch = server.mark(), _Watch()
    settings = {"MINGO_CONFIG": str(folder / "mingo.toml"), "MINGO_DATA_DIR": str(folder / _DATA)}
    started, cpu_s, peak = time.perf_counter(), 0.0, 0
    with watch.looking_at(server):
        for command in run.commands:
            cpu_s += _run(command, settings, watch)
            peak = max(peak, sum(list(watch.client.values())))
            watch.client.clear()
    seconds = time.perf_counter() - started
    served = server.served(mark)
    return ClientCost(
        client=run.client,
        n_files=n_files,
        n_bytes=n_bytes,
        seconds=seconds,
        cpu_s=cpu_s,
        peak_bytes=peak,
        server_peak_bytes=sum(list(watch.server.values())),
        max_open=watch.max_open,
        n_connections=served.n_connections,
        n_sessions=served.n_sessions,
        n_opened=len(served.opened),
        n_stat=served.n_stat,
    )


def _run(command: list[str], settings: dict[str, str], watch: _Watch) -> float:
    """Run one client; its processor time and that of its own children, s."""
    with TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        limit = Timer(CLIENT_LIMIT_S, process.kill)
        limit.start()
        watch.client_pid = process.pid
        try:
            _, status, used = os.wait4(process.pid, 0)
        finally:
            watch.client_pid = None
            limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
            raise AcquireBenchError(f"{Path(command[0]).name} ended with {process.returncode}: {last}")
    return used.ru_utime + used.ru_stime


def _compare(run: _Run, files: dict[str, bytes]) -> None:
    """Hold what a client fetched against what the server has."""
    found = {path.name: path.read_bytes() for path in run.target.rglob("*.dat")}
    if found != files:
        n_right = sum(found.get(name) == content for name, content in files.items())
        raise AcquireBenchError(f"{run.client} fetched {n_right} of {len(files)} files")
