"""What an OpenSSH server and its SFTP sessions say of themselves, as numbers."""

import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Self

# a name may hold a line feed, which one of the two ways into the log leaves as it is
_OPENED = re.compile(r'\bopen "(?P<path>.*?)" flags (?P<flags>[A-Z,]+) mode', re.DOTALL)
_CLOSED = re.compile(r'\b(?P<forced>forced-)?close "(?P<path>.*?)" bytes read (?P<read>\d+) written \d+', re.DOTALL)
_LISTED = re.compile(r'\bopendir "(?P<path>.*?)"\r?$', re.DOTALL | re.MULTILINE)
_ASKED = re.compile(r"\bl?stat name ")
_CAME = re.compile(r"^Connection from \S+ port (\d+) on", re.MULTILINE)
_BEGAN = re.compile(r"^Starting session: ", re.MULTILINE)
_ESCAPED = re.compile(rb"\\(?:([0-3][0-7]{2})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"v": b"\v", b"f": b"\f", b"s": b" "}


@dataclass(frozen=True)
class Served:
    """What the sessions of a server were asked for, in the order of the log; paths are as the client wrote them.

    ``closed`` has path and bytes read of each file that the client closed, ``cut`` of each that was open when its
    connection ended; ``written`` the paths opened for writing; ``n_stat`` the questions for size and time by name;
    ``n_connections`` the connections, ``n_sessions`` the SFTP sessions and commands.
    """

    n_connections: int
    n_sessions: int
    n_stat: int
    opened: tuple[str, ...]
    written: tuple[str, ...]
    listed: tuple[str, ...]
    closed: tuple[tuple[str, int], ...]
    cut: tuple[tuple[str, int], ...]

    @property
    def n_bytes(self) -> int:
        """Bytes read from all files."""
        return sum(size for _, size in self.closed + self.cut)


def _plain(path: str) -> str:
    """A path of the log without escapes: three octal digits, a letter, or the character itself after a backslash."""

    def one(match: re.Match[bytes]) -> bytes:
        digits, letter = match.groups()
        return bytes([int(digits, 8)]) if digits else _LETTERS.get(letter, letter)

    return _ESCAPED.sub(one, path.encode(errors="surrogateescape")).decode(errors="surrogateescape")


def read_log(text: str, ignored_ports: Collection[int] = ()) -> Served:
    """Count in the log of a server and its SFTP sessions; connections from the ignored ports do not count."""
    opened = [(_plain(match["path"]), match["flags"]) for match in _OPENED.finditer(text)]
    ended = [(match["forced"], _plain(match["path"]), int(match["read"])) for match in _CLOSED.finditer(text)]
    return Served(
        n_connections=sum(int(port) not in ignored_ports for port in _CAME.findall(text)),
        n_sessions=len(_BEGAN.findall(text)),
        n_stat=len(_ASKED.findall(text)),
        opened=tuple(path for path, _ in opened),
        written=tuple(path for path, flags in opened if "WRITE" in flags),
        listed=tuple(_plain(match["path"]) for match in _LISTED.finditer(text)),
        closed=tuple((path, size) for forced, path, size in ended if not forced),
        cut=tuple((path, size) for forced, path, size in ended if forced),
    )


class SyslogSocket:
    """A ``/dev/log`` of our own, into which a jailed session writes; the lines are appended to a file."""

    def __init__(self, path: Path, log_file: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._path, self._log_file = path, log_file
        self._thread = Thread(target=self._copy, daemon=True)

    def _copy(self) -> None:
        with self._log_file.open("ab", buffering=0) as log:
            while message := self._socket.recv(1 << 16):
                log.write(message.rstrip(b"\0\n") + b"\n")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self._path))
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)
