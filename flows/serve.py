"""`mingo serve`: Prefect's server on loopback, and this process as the one that runs every flow on its schedule.

Every command works without it. Stopping leaves the schedules active on the server, so that the next start goes on.
"""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.outcome import Outcome
from flows.prefect_environment import api_url, enter
from flows.prefect_server import ServerError, running_server
from warehouse.lock import LockBusyError, held
from warehouse.settings import Settings

LOGGER = logging.getLogger(__name__)

PARALLEL_RUNS = 8
FLOW_RUN_VARIABLE = b"PREFECT__FLOW_RUN_ID="


def serve(settings: Settings) -> Outcome:
    """Serve all flows until SIGTERM or Ctrl-C.

    Returns
    -------
    Outcome
        Completed when it was stopped by a signal, Skipped when another process serves this data folder already, Failed
        when the server did not come up.
    """
    logging.getLogger("flows").setLevel(logging.INFO)  # a service says what it does
    enter(settings)
    lock = settings.paths.locks / "serve.lock"
    try:
        with _stopped_by_signals(), held(lock, "serve"), running_server(settings):
            _serve_deployments(settings)
    except LockBusyError as error:
        return Outcome("serve", "Skipped", str(error))
    except ServerError as error:
        return Outcome("serve", "Failed", str(error))
    except KeyboardInterrupt:
        LOGGER.info("stopped by a signal")
    return Outcome("serve", "Completed", "stopped; the schedules stay active for the next start")


def _serve_deployments(settings: Settings) -> None:
    """Register the deployments and run what is due, until a signal arrives."""
    # late: Prefect reads its environment when it is imported
    from flows.deployments import deployments, flow_schedules
    from flows.prefect_cleanup import end_dead_runs
    from flows.prefect_runner import StoppableRunner

    dead = end_dead_runs(living_flow_runs())
    if dead:
        LOGGER.warning("%d runs of a former process had no process any more: set to Crashed", dead)
    runner = StoppableRunner(pause_on_shutdown=False, limit=PARALLEL_RUNS)
    for deployment in deployments(settings):
        runner.add_deployment(deployment)
    for name, schedule in flow_schedules(settings).items():
        LOGGER.info("%s: %s", name, f"{schedule.cron} UTC" if schedule.is_enabled else "on demand")
    LOGGER.info("serving at %s; pages at %s", api_url(settings), api_url(settings).removesuffix("/api"))
    asyncio.run(runner.start())


def living_flow_runs(processes: Path = Path("/proc")) -> set[str]:
    """Ids of the flow runs that have a process on this machine, read from the environment of our own processes."""
    found: set[str] = set()
    for environment in processes.glob("[0-9]*/environ"):
        try:
            variables = environment.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        found.update(v.removeprefix(FLOW_RUN_VARIABLE).decode() for v in variables if v.startswith(FLOW_RUN_VARIABLE))
    return found


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C both end the block with KeyboardInterrupt.

    Set explicitly, because a shell starts background jobs with Ctrl-C ignored, and because Prefect sets its own handler
    of SIGTERM later (see `flows.prefect_runner`).
    """
    former = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
