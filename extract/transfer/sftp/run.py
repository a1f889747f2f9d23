"""Many stations at the same time, each in a thread of its own; none waits for another."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from extract.transfer.clock import Clock
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import StoppedError
from extract.transfer.sftp.session import Open, Session

Result = TypeVar("Result")
Work = Callable[[Session, Clock], Result]
"""What is done at one station with its session; it waits by the clock it is given."""


def at_each(
    endpoints: Sequence[Endpoint],
    open_remote: Open,
    work: Work[Result],
    *,
    workers: int,
    clock: Clock | None = None,
    on_done: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Do the same work at every endpoint and return the results in their order.

    When this thread is told to stop (a signal, an exception), connections are closed, pauses end, and what was not
    complete is gone from landing before the exception goes on.
    """
    clock = clock or Clock()
    stop = threading.Event()
    sessions = [Session(endpoint, open_remote) for endpoint in endpoints]
    stoppable = Clock(clock.now, clock.monotonic, _sleep_until(stop) if clock.sleep is Clock().sleep else clock.sleep)
    with ThreadPoolExecutor(max(1, min(workers, len(endpoints) or 1)), thread_name_prefix="station") as pool:
        futures: list[Future[Result]] = [pool.submit(_at_one, session, work, stoppable) for session in sessions]
        try:
            for future in as_completed(futures):
                result = future.result()
                if on_done is not None:
                    on_done(result)
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            for session in sessions:
                session.halt()
            raise
    return [future.result() for future in futures]


def _at_one(session: Session, work: Work[Result], clock: Clock) -> Result:
    with session:
        return work(session, clock)


def _sleep_until(stop: threading.Event) -> Callable[[float], None]:
    """A pause that ends early, with `StoppedError`, when the run is told to stop."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError("stopped; the next run goes on")

    return sleep
