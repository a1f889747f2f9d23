"""Ending, on the server, the runs whose process is gone.

After a `kill -9` or a power cut Prefect keeps such a run as running, and as long as its slot is held every new run of
that flow is cancelled.
"""

from collections.abc import Collection

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

UNFINISHED = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


def end_dead_runs(living: Collection[str]) -> int:
    """Set every unfinished run that is not in ``living`` (ids of runs with a process) to Crashed; returns how many."""
    unfinished = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)))
    with get_client(sync_client=True) as client:
        dead = [run for run in client.read_flow_runs(flow_run_filter=unfinished) if str(run.id) not in living]
        for run in dead:
            client.set_flow_run_state(run.id, Crashed(message="its process was gone when `mingo serve` started"))
    return len(dead)
