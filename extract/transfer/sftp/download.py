"""One remote file into landing: whole and checked under its name, or not there at all."""

import errno
import hashlib
import os
import posixpath
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Literal, TypeVar

from extract.transfer.clock import Clock
from extract.transfer.place import settle
from extract.transfer.sftp.remote import LostError, Remote, RemoteError, RemoteFile
from extract.transfer.sftp.session import Session
from extract.transfer.sidecar import PART_SUFFIX, Sidecar
from extract.transfer.target import SOURCES

WAITS_S = (5.0, 15.0, 45.0)
"""Pauses between attempts; the last one repeats."""
JITTER = 0.2
"""Share by which a pause is drawn longer or shorter, so that stations do not come back all at once."""
_KINDS = {"dat": "dat", "hld": "hld", "log": "lab_log"}
_GIB = 1 << 30

T = TypeVar("T")


class ChangedError(RemoteError):
    """A file whose size or content is not what was announced; worth another attempt."""


class HashRefusedError(RemoteError):
    """A host that does not compute hashes, where `acquire.remote_hash` requires them."""


class LandingError(Exception):
    """Landing cannot be written; the message says why. Nothing is left of the file."""


@dataclass(frozen=True)
class Rules:
    """How a file is fetched.

    ``remote_hash`` as in the settings; ``may_grow``: a file that grows meanwhile is taken with the bytes received;
    ``on_bytes`` hears of every piece that was written; ``find_held`` is given the sidecar of what was received and says
    which file of landing is the same, if one is: then that one is kept.
    """

    attempts: int = 3
    remote_hash: Literal["auto", "off", "required"] = "auto"
    may_grow: bool = False
    on_bytes: Callable[[int], None] | None = None
    find_held: Callable[[Sidecar], Path | None] | None = None


@dataclass(frozen=True)
class Landed:
    """Where a file lies now, its bytes, whether the host's hash agreed (None: it gave none), whether it is new here."""

    path: Path
    size: int
    is_hash_checked: bool | None
    is_new: bool = True


def download(
    session: Session,
    file: RemoteFile,
    folder: Path,
    name: str,
    rules: Rules,
    *,
    clock: Clock | None = None,
    draw: Callable[[], float] = random.random,
) -> Landed:
    """Fetch a file whose name was checked into a landing folder as ``name``, or ``name~2``, ... where that is taken.

    Parameters
    ----------
    file
        The entry as it was listed.
    draw
        Numbers from 0 to 1 for the length of the pauses.

    Raises
    ------
    RemoteError
        After the last attempt, or at once where another one is of no use: host key, login, file gone, hash refused.
    LandingError
        Landing cannot be written, for instance because the disk is full.
    """
    clock = clock or Clock()
    return in_attempts(
        lambda: _attempt(session, file, folder, name, rules, clock), session, rules.attempts, clock=clock, draw=draw
    )


def in_attempts(
    action: Callable[[], T], session: Session, attempts: int, *, clock: Clock, draw: Callable[[], float] = random.random
) -> T:
    """Do something with a connection; where it broke or a file changed, again after a pause with a new connection.

    Raises
    ------
    RemoteError
        After the last attempt, or at once where another one is of no use.
    """
    for attempt in range(attempts):
        if attempt:
            pause_s = WAITS_S[min(attempt, len(WAITS_S)) - 1]
            clock.sleep(pause_s * (1 + JITTER * (2 * draw() - 1)))
        try:
            return action()
        except (LostError, ChangedError):
            session.drop()
            if attempt + 1 == attempts:
                raise
    raise AssertionError("at least one attempt")


def _attempt(session: Session, file: RemoteFile, folder: Path, name: str, rules: Rules, clock: Clock) -> Landed:
    endpoint, remote = session.endpoint, session.remote
    part = folder / (name + PART_SUFFIX)
    try:
        with _landing_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
        before = remote.stat(endpoint.directory, file.name)
        sha256, size = _copy(remote, endpoint.directory, file.name, part, rules)
        after = remote.stat(endpoint.directory, file.name)
        _check_sizes(remote.host, file.name, before.size, size, after.size, may_grow=rules.may_grow)
        is_checked = None
        if after.size == size:
            is_checked = _check_hash(remote, endpoint.directory, file.name, sha256, size, rules)
        # what was written meanwhile is another version
        modified_at = before.modified_at or after.modified_at or clock.now()
        sidecar = Sidecar(
            source=SOURCES[_KINDS[endpoint.source]],
            host=endpoint.host,
            remote_path=posixpath.join(endpoint.directory, file.name),
            size=size,
            file_sha256=sha256,
            fetched_at=clock.now(),
            remote_modified_at=modified_at,
            request={"remote_size": after.size, "is_remote_hash_checked": is_checked},
        )
        with _landing_errors(folder):
            if rules.find_held is not None and (held := rules.find_held(sidecar)) is not None:
                return Landed(held, size, is_checked, is_new=False)
            stamp = modified_at.replace(tzinfo=UTC).timestamp()
            os.utime(part, (stamp, stamp))
            return Landed(settle(part, folder, name, sidecar), size, is_checked)
    finally:
        with suppress(OSError):  # what is wrong with landing was said already
            part.unlink(missing_ok=True)


def _copy(remote: Remote, directory: str, name: str, part: Path, rules: Rules) -> tuple[str, int]:
    """SHA-256 and size of what was written."""
    digest, size = hashlib.sha256(), 0
    pieces = remote.read(directory, name)
    # the server's faults are no OSError; closing a file on a full disk is one, even after the error of writing
    with _landing_errors(part.parent), part.open("wb") as stream:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            stream.write(piece)
            if rules.on_bytes:
                rules.on_bytes(len(piece))
    return digest.hexdigest(), size


def _check_sizes(host: str, name: str, before: int, received: int, after: int, *, may_grow: bool) -> None:
    is_whole = before <= received <= after if may_grow else before == received == after
    if not is_whole:
        text = f"{before:,} bytes before, {received:,} received, {after:,} afterwards"
        raise ChangedError(f"{host}: {name} changed while it was fetched: {text}")


def _check_hash(remote: Remote, directory: str, name: str, sha256: str, size: int, rules: Rules) -> bool | None:
    if rules.remote_hash == "off":
        return None
    theirs = remote.sha256(directory, name)
    if theirs is None:
        if rules.remote_hash == "required":
            raise HashRefusedError(
                f"{remote.host} computes no hashes; allow the account `sha256sum`, or set acquire.remote_hash to auto"
            )
        return None
    if theirs != sha256:
        if rules.may_grow and remote.stat(directory, name).size > size:  # it grew before it was hashed there
            return None
        raise ChangedError(f"{remote.host}: {name} has another SHA-256 there ({theirs[:12]}...) than here")
    return True


@contextmanager
def _landing_errors(folder: Path) -> Iterator[None]:
    """Errors of this machine's disk, told from those of the connection."""
    try:
        yield
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "; free some disk, nothing was lost" if is_full else ""
        raise LandingError(f"{folder} cannot be written: {error.strerror or error}{remedy}") from None


def free_gib(folder: Path) -> float:
    """Free space where a folder lies or would lie, GiB."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / _GIB
