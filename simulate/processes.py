"""Processes below a process, from ``/proc``: which they are, the memory they took, their end."""

import contextlib
import os
import signal
import time
from pathlib import Path

END_LIMIT_S = 5.0
_PROC = Path("/proc")


def _parents() -> dict[int, int]:
    """The parent of each process there is now."""
    found = {}
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):  # it may end meanwhile
                # the name in brackets may hold spaces and brackets; after it come state and parent
                found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def _levels(pid: int, parents: dict[int, int]) -> list[int]:
    found: list[int] = []
    level = {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found += sorted(level)
    return found


def descendants(pid: int) -> list[int]:
    """Children of a process, theirs, and so on; parents come first. None where there is no ``/proc``."""
    return _levels(pid, _parents()) if _PROC.is_dir() else []


def children(pid: int) -> list[int]:
    """Children of a process. None where there is no ``/proc``."""
    return sorted(child for child, parent in _parents().items() if parent == pid) if _PROC.is_dir() else []


def end_descendants(pid: int) -> list[int]:
    """End all processes that are below a process now, and return them.

    Those without children go first, so that each parent sees its child end and none is left for nobody to collect;
    what still lives after `END_LIMIT_S` is ended in any order.
    """
    wanted = set(ended := descendants(pid))
    limit = time.monotonic() + END_LIMIT_S
    while wanted and time.monotonic() < limit:
        parents = _parents()
        wanted &= set(_levels(pid, parents))
        _kill(wanted - set(parents.values()))
        time.sleep(0.01)
    _kill(wanted)
    return ended


def _kill(pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def peak_bytes(pid: int) -> int:
    """Largest resident memory of a process so far; 0 when it is gone."""
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
