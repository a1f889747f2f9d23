"""What a remote directory holds and what can be asked of its server: the shape every part of the fetching shares."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

RemoteSourceName = Literal["dat", "hld", "log"]
"""The sources of a station: detector text, the archive of binary detector files, lab logs."""


class RemoteError(Exception):
    """A remote source that cannot be used; the message is one line with the remedy."""


class HostKeyError(RemoteError):
    """A host key that is not pinned, or not the one that is pinned; never tried again."""


class LoginError(RemoteError):
    """An account or key that the server, or this machine, refuses; never tried again."""


class LostError(RemoteError):
    """A connection that was refused, timed out or broke; worth another attempt."""


class StoppedError(RemoteError):
    """The run is told to end; never tried again."""


class MissingFileError(RemoteError):
    """A remote file or directory that is not there (any more)."""


@dataclass(frozen=True)
class RemoteFile:
    """One entry of a remote directory.

    ``name`` is the name as the server gives it, never to be used in a path before it was checked; ``size`` in bytes;
    ``modified_at`` naive UTC, None where the server does not say; ``is_regular`` is false for folders, links, devices.
    """

    name: str
    size: int
    modified_at: datetime | None
    is_regular: bool = True


@dataclass(frozen=True)
class RemoteDisk:
    """Space of a remote disk: bytes and files (inodes; 0 where the file system does not count them)."""

    size: int
    free: int
    n_files: int
    n_free_files: int


class Remote(Protocol):
    """An open connection to one server. Every method may raise a `RemoteError`."""

    host: str

    def list_directory(self, directory: str) -> list[RemoteFile]:
        """All entries of one directory, not of those below."""

    def stat(self, directory: str, name: str) -> RemoteFile:
        """One entry now; links are not followed."""

    def read(self, directory: str, name: str) -> Iterator[bytes]:
        """The content of a file, piece by piece."""

    def sha256(self, directory: str, name: str) -> str | None:
        """SHA-256 of a file as the host computes it, 64 hex digits; None where the host runs no commands."""


def shown(name: str) -> str:
    r"""A name from a server as it may be printed and stored: what is no printable character stands as ``\x1b``.

    Different names stay different: a backslash is doubled.
    """
    return "".join(_shown(character) for character in name)


def _shown(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    if "\udc80" <= character <= "\udcff":  # a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
