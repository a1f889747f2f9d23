"""An SFTP server in this process with the faults that a real one cannot be made to have; its files are in memory only.

Names are whatever a test wants, also such as no file system holds. Everything else is tested against a real server.
"""

import contextlib
import hashlib
import shlex
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Literal, Self

import paramiko
from paramiko import SFTPAttributes
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.sftp import SFTP_CONNECTION_LOST, SFTP_EOF, SFTP_NO_SUCH_FILE, SFTP_PERMISSION_DENIED

HOST = "127.0.0.1"
USER = "station"
STALL_LIMIT_S = 20.0
DIRECTORY = "/data"

Commands = Literal["refuse", "sha256", "wrong", "absent", "chatty", "silent"]


@dataclass
class FaultyFile:
    """A file and its faults; without any it is served as it is.

    ``listed_size``: what listing and stat say instead of the size. ``ends_at``: reading meets an end there although
    the size says more. ``drops_at``: the connection breaks when a read reaches this byte, ``n_drops`` times.
    ``stalls_at``: a read that reaches this byte gets no answer. ``grows_by``: bytes added after each reading from the
    first byte. ``refuses``: open is not permitted. ``is_gone``: listed, yet not there. ``flips``: reading gives a wrong
    byte there. ``mode``: file type and permissions.
    """

    content: bytes
    modified_at: datetime = datetime(2025, 3, 3, 12)
    listed_size: int | None = None
    ends_at: int | None = None
    drops_at: int | None = None
    n_drops: int = 1
    stalls_at: int | None = None
    grows_by: int = 0
    refuses: bool = False
    is_gone: bool = False
    flips: int | None = None
    mode: int = 0o100644

    def attributes(self, name: str | bytes) -> SFTPAttributes:
        """What listing and stat say."""
        said = SFTPAttributes()
        said.filename = name  # type: ignore[assignment]
        said.st_size = len(self.content) if self.listed_size is None else self.listed_size
        said.st_mtime = said.st_atime = int(self.modified_at.replace(tzinfo=UTC).timestamp())
        said.st_mode, said.st_uid, said.st_gid = self.mode, 0, 0
        return said

    def piece(self, offset: int, length: int) -> bytes:
        """Bytes of a read; empty at the end."""
        end = len(self.content) if self.ends_at is None else self.ends_at
        piece = bytearray(self.content[offset : min(offset + length, end)])
        if self.flips is not None and offset <= self.flips < offset + len(piece):
            piece[self.flips - offset] ^= 0xFF
        return bytes(piece)


@dataclass
class FaultySftp:
    """The server as a context.

    ``files`` by name, all in `DIRECTORY`; a test may change them at any time. ``commands``: how the host answers when
    asked for a hash. ``listing_stalls``: no answer to a listing. ``refuses_listing``: no permission.
    ``refuses_login``: no account has this key. ``is_mute``: connections are taken and never greeted.
    What happened: ``n_connections``, ``opened`` and ``n_bytes`` by name, ``asked`` (commands), ``max_open`` (files open
    at the same time), ``written`` (every attempt to write or change something; a client of ours makes none).
    """

    folder: Path
    files: dict[str | bytes, FaultyFile] = field(default_factory=dict)
    commands: Commands = "refuse"
    listing_stalls: bool = False
    refuses_listing: bool = False
    refuses_login: bool = False
    is_mute: bool = False
    n_connections: int = 0
    opened: Counter[str] = field(default_factory=Counter)
    n_bytes: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    max_open: int = 0
    host: str = HOST
    user: str = USER
    directory: str = DIRECTORY

    def __post_init__(self) -> None:
        self.guard = Lock()
        self.stopping = Event()
        self.n_open = 0
        self.key = paramiko.ECDSAKey.generate()
        self.account = paramiko.ECDSAKey.generate()
        self.client_key = self.folder / "faulty_client_key"
        self._transports: list[paramiko.Transport] = []
        self._sockets: list[socket.socket] = []

    # ---------------------------------------------------------------- life

    def __enter__(self) -> Self:
        self.account.write_private_key_file(str(self.client_key))
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for connections
        self._thread.join()
        self._listener.close()
        self.drop()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.guard:
                self.n_connections += 1
                self._sockets.append(connection)
            if self.is_mute:
                continue
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self)
            with self.guard:
                self._transports.append(transport)
            transport.start_server(event=Event(), server=_Door(self))

    def drop(self) -> None:
        """Break every connection."""
        with self.guard:
            transports, self._transports = self._transports, []
            sockets, self._sockets = self._sockets, []
        for one in sockets:
            with contextlib.suppress(OSError):  # the other side was faster
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for transport in transports:
            transport.close()

    def change_host_key(self) -> None:
        """Greet new connections with another key."""
        self.key = paramiko.ECDSAKey.generate()

    def write_known_hosts(self, path: Path) -> Path:
        """Pin the present host key, after what the file already has."""
        with path.open("a") as file:
            file.write(f"[{HOST}]:{self.port} {self.key.get_name()} {self.key.get_base64()}\n")
        return path

    # ---------------------------------------------------------------- what the sessions ask

    def find(self, path: str) -> tuple[str, FaultyFile] | None:
        """Name and file of a path of the client."""
        name = path.removeprefix(f"{DIRECTORY}/")
        file = self.files.get(name)
        return None if file is None or file.is_gone else (name, file)

    def stall(self) -> None:
        """Say nothing until the server stops."""
        self.stopping.wait(STALL_LIMIT_S)

    def answer(self, command: str) -> tuple[bytes, int]:
        """Output and exit code of a command that asks for a hash."""
        if self.commands == "absent":
            return b"sh: 1: sha256sum: not found\n", 127
        path = shlex.split(command)[-1]
        found = self.find(path)
        if found is None:
            return b"", 1
        content = found[1].content + (b"?" if self.commands == "wrong" else b"")
        before = b"Welcome to the station!\n\x1b[31m" if self.commands == "chatty" else b""
        return before + f"{hashlib.sha256(content).hexdigest()}  {path}\n".encode(), 0


class _Door(paramiko.ServerInterface):
    """Who may come in, and what may be asked of the host."""

    def __init__(self, owner: FaultySftp) -> None:
        self._owner = owner

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        is_known = username == USER and key.asbytes() == self._owner.account.asbytes()
        return AUTH_SUCCESSFUL if is_known and not self._owner.refuses_login else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        with self._owner.guard:
            self._owner.asked.append(command.decode())
        if self._owner.commands == "refuse":
            return False
        Thread(target=self._run, args=(channel, command.decode()), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        if self._owner.commands == "silent":
            self._owner.stall()
        else:
            output, code = self._owner.answer(command)
            channel.sendall(output)
            channel.send_exit_status(code)
            channel.shutdown_write()
            channel.settimeout(STALL_LIMIT_S)
            with contextlib.suppress(TimeoutError):
                channel.recv(1)  # the client closes first: a close could overtake the reply to its request
        channel.close()


class _Files(paramiko.SFTPServerInterface):
    """Listing, stat, open; everything that would change a file is refused."""

    def __init__(self, server: _Door, owner: FaultySftp) -> None:
        self._owner = owner

    def list_folder(self, path: str) -> list[SFTPAttributes] | int:
        if self._owner.listing_stalls:
            self._owner.stall()
        if self._owner.refuses_listing:
            return SFTP_PERMISSION_DENIED
        if path.rstrip("/") != DIRECTORY:
            return SFTP_NO_SUCH_FILE
        return [file.attributes(name) for name, file in list(self._owner.files.items())]

    def stat(self, path: str) -> SFTPAttributes | int:
        if path.rstrip("/") in (DIRECTORY, ""):
            return FaultyFile(b"", mode=0o040755).attributes(path)
        found = self._owner.find(path)
        return SFTP_NO_SUCH_FILE if found is None else found[1].attributes(found[0])

    lstat = stat

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> "paramiko.SFTPHandle | int":
        if flags & 3:  # for writing, or for both
            return self._refuse(path)
        found = self._owner.find(path)
        if found is None:
            return SFTP_NO_SUCH_FILE
        with self._owner.guard:
            self._owner.opened[found[0]] += 1
        return SFTP_PERMISSION_DENIED if found[1].refuses else _Handle(self._owner, *found)

    def _refuse(self, path: str, *_: object) -> int:
        self._owner.written.append(path)
        return SFTP_PERMISSION_DENIED

    remove = rename = posix_rename = mkdir = rmdir = chattr = symlink = _refuse  # type: ignore[assignment]


class _Handle(paramiko.SFTPHandle):
    """An open file."""

    def __init__(self, owner: FaultySftp, name: str, file: FaultyFile) -> None:
        super().__init__()
        self._owner, self._name, self._file = owner, name, file
        with owner.guard:
            owner.n_open += 1
            owner.max_open = max(owner.max_open, owner.n_open)

    def stat(self) -> SFTPAttributes:
        return self._file.attributes(self._name)

    def read(self, offset: int, length: int) -> bytes | int:
        file, owner = self._file, self._owner
        reached: Callable[[int | None], bool] = lambda byte: byte is not None and offset + length > byte  # noqa: E731
        if file.n_drops and reached(file.drops_at):
            file.n_drops -= 1
            owner.drop()
            return SFTP_CONNECTION_LOST
        if reached(file.stalls_at):
            owner.stall()
        piece = file.piece(offset, length)
        with owner.guard:
            owner.n_bytes[self._name] += len(piece)
        if file.grows_by and offset == 0:
            file.content += b"+" * file.grows_by
        return piece or SFTP_EOF

    def close(self) -> None:
        with self._owner.guard:
            self._owner.n_open -= 1
        super().close()
