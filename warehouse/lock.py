"""Process locks: an exclusive `flock` on a file that is never removed.

The kernel frees the lock when its holders die, so a lock cannot be stale and no command exists to break one.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

POLL_S = 0.5


class LockBusyError(Exception):
    """Somebody else held the lock for the whole waiting time; the message says who."""


def read_holder(path: Path) -> dict[str, Any]:
    """What the present or last holder wrote into the lock file; empty when nothing readable is there."""
    try:
        holder = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def describe_holder(path: Path) -> str:
    """One clause for a person: who holds the lock, since when, where."""
    holder = read_holder(path)
    if not holder:
        return "another process"
    where = f"host {holder.get('host')}, pid {holder.get('pid')}"
    return f"'{holder.get('purpose')}' since {holder.get('started_at')} ({where})"


@contextmanager
def held(
    path: Path,
    purpose: str,
    wait_s: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[int]:
    """Hold the lock while the block runs, and give the block its file descriptor.

    A child process that inherits the descriptor (``pass_fds``) keeps the lock when the parent is killed, so the lock is
    free only when both are dead.

    Parameters
    ----------
    path
        The lock file.
    purpose
        What the holder does, shown to whoever waits.
    wait_s
        Seconds to wait for it; 0 tries once.
    on_wait
        Called once with the holder's description when the lock is not free at once.
    sleep
        Waits some seconds between two attempts; what it raises ends the waiting.

    Raises
    ------
    LockBusyError
        When it could not be had within ``wait_s``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        _acquire(descriptor, path, wait_s, on_wait, sleep)
        _write_holder(descriptor, purpose)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(
    descriptor: int,
    path: Path,
    wait_s: float,
    on_wait: Callable[[str], None] | None,
    sleep: Callable[[float], None],
) -> None:
    deadline = time.monotonic() + wait_s
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = describe_holder(path)
            if on_wait is not None and not told:
                on_wait(holder)
                told = True
            if time.monotonic() >= deadline:
                raise LockBusyError(f"{path.name} is held by {holder}; waited {wait_s:.0f} s") from None
            sleep(min(POLL_S, max(deadline - time.monotonic(), 0.01)))
        else:
            return


def _write_holder(descriptor: int, purpose: str) -> None:
    holder = {
        "purpose": purpose,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)
