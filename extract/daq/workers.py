"""Settling many detector files, here or in other processes; a file that kills its process does not stop the others."""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from types import FrameType

from extract.daq.landing import LandingFile
from extract.daq.versions import GroupOutcome
from extract.transfer.sidecar import read_sidecar
from warehouse.attempts import Attempts, Subject

logger = logging.getLogger(__name__)

Group = list[LandingFile]
Settle = Callable[[Group], GroupOutcome]
Outcome = GroupOutcome | Exception


class WorkerDiedError(Exception):
    """The process that worked on a file died: killed for want of memory, or by a fault in compiled code."""


def subject_of(files: Group) -> Subject:
    """A detector file as attempts know it: its landing files with their hashes, or size and time without a sidecar."""
    return Subject(files[0].name.station_id, files[0].name.base_name, {f.source_file: _content(f) for f in files})


def _content(file: LandingFile) -> str:
    sidecar = read_sidecar(file.path)
    is_known = sidecar is not None and sidecar.size == file.size
    return sidecar.file_sha256 if sidecar and is_known else f"{file.size} bytes, {file.mtime_ns} ns"


def settle_each(
    settle: Settle, groups: Sequence[Group], workers: int, attempts: Attempts | None
) -> Iterator[tuple[int, Outcome]]:
    """Settle every file and yield its place in ``groups`` with its outcome, in any order; an error is an outcome.

    Files that failed before come last, each alone in a process of its own, so that they harm no other.
    """
    suspects = [
        index
        for index, files in enumerate(groups)
        if attempts is not None and attempts.verdict(subject_of(files)) == "suspect"
    ]
    others = sorted(set(range(len(groups))).difference(suspects))
    if workers <= 1 or len(others) <= 1:
        for index in others:
            yield index, _attempt(settle, groups[index], attempts)
    else:
        yield from _in_processes(settle, groups, others, workers, attempts)
    for index in suspects:
        yield from _in_processes(settle, groups, [index], 1, attempts)


def _in_processes(
    settle: Settle, groups: Sequence[Group], indices: Sequence[int], workers: int, attempts: Attempts | None
) -> Iterator[tuple[int, Outcome]]:
    """Settle files in other processes; after the death of one the files that were not in work get new processes."""
    left = set(indices)
    context = multiprocessing.get_context("forkserver" if "forkserver" in _start_methods() else "spawn")
    while left:
        with ProcessPoolExecutor(min(workers, len(left)), mp_context=context, initializer=_stop_quietly) as pool:
            try:
                futures: dict[Future[Outcome], int] = {
                    pool.submit(_attempt_in_worker, settle, groups[index], attempts): index for index in sorted(left)
                }
                for future in as_completed(futures):
                    try:
                        outcome = future.result()
                    except BrokenExecutor:
                        continue
                    left.discard(futures[future])
                    yield futures[future], outcome
            except BrokenExecutor:  # a process died before all files were handed over
                pass
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        died = _close_dead(groups, left, attempts)
        for index in died:
            left.discard(index)
            yield index, WorkerDiedError(_DIED)


_DIED = "the process that worked on it died (out of memory, or killed)"


def _close_dead(groups: Sequence[Group], left: set[int], attempts: Attempts | None) -> list[int]:
    """The files of ``left`` that were in work when a process died; all of them where that is not known."""
    begun = [] if attempts is None else [i for i in sorted(left) if attempts.is_open(subject_of(groups[i]))]
    for index in begun:
        assert attempts
        attempts.fail(subject_of(groups[index]), WorkerDiedError.__name__, _DIED)
    return begun or sorted(left)


def _start_methods() -> list[str]:
    return multiprocessing.get_all_start_methods()


class _Worker:
    """State of a process of the pool: whether it is told to stop, because another died or the run ends."""

    is_at_work = False
    is_stopping = False


def _stop_quietly() -> None:
    """Let a process that is told to stop withdraw the attempt it is at."""
    signal.signal(signal.SIGTERM, _stop)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    _Worker.is_stopping = True
    if _Worker.is_at_work:
        raise SystemExit(1)
    os._exit(1)


def _attempt_in_worker(settle: Settle, files: Group, attempts: Attempts | None) -> Outcome:
    """`_attempt`, ending the process where it was told to stop: the pool would go on with the next file."""
    try:
        _Worker.is_at_work = True
        return _attempt(settle, files, attempts)
    finally:
        _Worker.is_at_work = False
        if _Worker.is_stopping:
            os._exit(1)


def _attempt(settle: Settle, files: Group, attempts: Attempts | None) -> Outcome:
    """One file must not stop the others: whatever goes wrong is handed back, a fault of the program with its trace."""
    subject = subject_of(files) if attempts else None
    if attempts and subject:
        attempts.begin(subject)
    try:
        outcome: Outcome = settle(files)
    except OSError as error:
        outcome = error
    except Exception as error:
        logger.exception("%s: fault of the program", files[-1].source_file)
        outcome = error
    except BaseException:
        if attempts and subject:
            attempts.withdraw(subject)
        raise
    if attempts and subject:
        if isinstance(outcome, Exception):
            attempts.fail(subject, type(outcome).__name__, str(outcome))
        else:
            attempts.succeed(subject)
    return outcome
