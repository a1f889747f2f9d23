"""A server that lies in memory, with the faults a test asks for."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from extract.transfer.clock import Clock
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import LostError, MissingFileError, Remote, RemoteFile

NOW = datetime(2025, 6, 20, 12)
OLD = NOW - timedelta(hours=1)


def endpoint(station_id: int = 1, source: str = "dat") -> Endpoint:
    assert source in ("dat", "hld", "log")
    return Endpoint(
        station_id=station_id,
        station_code=f"MINGO0{station_id}",
        source=source,  # type: ignore[arg-type]
        host="fake",
        port=22,
        user="reader",
        key_file=Path("key"),
        known_hosts=Path("known_hosts"),
        directory="/data",
        include=("*.dat", "*.dat.tar.gz") if source == "dat" else ("*",),
    )


@dataclass
class FakeServer:
    """Files by name; ``faults`` are called with (remote, name, piece number) before each piece of a read."""

    files: dict[str, bytes] = field(default_factory=dict)
    entries: dict[str, RemoteFile] = field(default_factory=dict)
    runs_commands: bool = False
    piece_bytes: int = 7
    fault: Callable[["FakeServer", str, int], None] | None = None
    n_connections: int = 0
    n_reads: int = 0
    is_down: bool = False

    def put(self, name: str, content: bytes, modified_at: datetime | None = OLD) -> None:
        self.files[name] = content
        self.entries[name] = RemoteFile(name, len(content), modified_at)

    @contextmanager
    def open(self, at: Endpoint) -> Iterator[Remote]:
        if self.is_down:
            raise LostError(f"{at.host} cannot be reached")
        self.n_connections += 1
        yield FakeRemote(self)


class FakeRemote:
    """A connection to a `FakeServer`."""

    host = "fake"

    def __init__(self, server: FakeServer) -> None:
        self.server = server

    def list_directory(self, directory: str) -> list[RemoteFile]:
        return list(self.server.entries.values())

    def stat(self, directory: str, name: str) -> RemoteFile:
        if name not in self.server.files:
            raise MissingFileError(f"{name}: no such file")
        return replace(self.server.entries[name], size=len(self.server.files[name]))

    def read(self, directory: str, name: str) -> Iterator[bytes]:
        if name not in self.server.files:
            raise MissingFileError(f"{name}: no such file")
        self.server.n_reads += 1
        content = self.server.files[name]
        for number, start in enumerate(range(0, len(content), self.server.piece_bytes)):
            if self.server.fault:
                self.server.fault(self.server, name, number)
            yield content[start : start + self.server.piece_bytes]

    def sha256(self, directory: str, name: str) -> str | None:
        return hashlib.sha256(self.server.files[name]).hexdigest() if self.server.runs_commands else None


@dataclass
class FakeTime:
    """A clock that stands still but for its pauses, which it remembers."""

    pauses: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] | None = None

    @property
    def clock(self) -> Clock:
        return Clock(lambda: NOW, lambda: sum(self.pauses), self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.on_sleep:
            self.on_sleep()
