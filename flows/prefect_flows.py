"""One Prefect flow per arrow of the data's way, and `run` as their chain.

Each is a shell: it calls the same plain function as the command line and shows its outcome as a Prefect state. Retries
are 0 because the next scheduled run is the retry. The settings are read in the process of the run, which inherits the
environment of `mingo serve`.
"""

from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State as PrefectState
from prefect.client.schemas.objects import StateType
from prefect.context import FlowRunContext
from prefect.flows import Flow

from flows import acquisition, station_fetch, steps
from flows.outcome import Outcome, State
from warehouse import masking
from warehouse.settings import load_settings

masking.install()  # each run has a process of its own, whose log Prefect keeps

STATE_TYPES: dict[State, StateType] = {
    "Completed": StateType.COMPLETED,
    "NothingToDo": StateType.COMPLETED,
    "Skipped": StateType.COMPLETED,
    "Partial": StateType.FAILED,
    "Failed": StateType.FAILED,
}
NODE_COLUMNS = ("node", "kind", "status", "seconds", "message")


def to_prefect_state(outcome: Outcome) -> PrefectState[Any]:
    """The Prefect state of an outcome: its word as name, its sentence as message."""
    return PrefectState(type=STATE_TYPES[outcome.state], name=outcome.state, message=outcome.sentence)


def to_outcome(name: str, state: PrefectState[Any]) -> Outcome:
    """The outcome behind the state of a finished flow; a state that is none of ours (a crash) counts as failed."""
    for word, state_type in STATE_TYPES.items():
        if state.name == word and state.type == state_type:
            return Outcome(name, word, state.message or "")
    return Outcome(name, "Failed", state.message or f"ended as {state.name}")


def node_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """What the run page shows of each dbt node: name, kind, status, seconds and message, in the order they ran."""
    return [{column: node.get(column) for column in NODE_COLUMNS} for node in outcome.detail.get("nodes", [])]


@flow(name="acquire_events", retries=0)
def acquire_events_flow() -> PrefectState[Any]:
    """Fetch the stations' new detector files."""
    return to_prefect_state(station_fetch.acquire_events(load_settings()))


@flow(name="acquire_logs", retries=0)
def acquire_logs_flow() -> PrefectState[Any]:
    """Fetch the stations' lab logs that are new or longer; a scheduled run begins after a short random pause."""
    context = FlowRunContext.get()
    is_scheduled = bool(context and context.flow_run and context.flow_run.auto_scheduled)
    fetch = station_fetch.acquire_logs_later if is_scheduled else station_fetch.acquire_logs
    return to_prefect_state(fetch(load_settings()))


@flow(name="acquire_era5", retries=0)
def acquire_era5_flow() -> PrefectState[Any]:
    """Fetch what is missing or still preliminary of ERA5."""
    return to_prefect_state(acquisition.acquire_era5(load_settings()))


@flow(name="acquire_nmdb", retries=0)
def acquire_nmdb_flow() -> PrefectState[Any]:
    """Fetch the last days of the neutron monitors, and older days that are missing."""
    return to_prefect_state(acquisition.acquire_nmdb(load_settings()))


@flow(name="acquire_logbook", retries=0)
def acquire_logbook_flow() -> PrefectState[Any]:
    """Fetch the stations' logbook sheets."""
    return to_prefect_state(acquisition.acquire_logbook(load_settings()))


@flow(name="extract", retries=0)
def extract_flow() -> PrefectState[Any]:
    """Bring what landed into the lake."""
    return to_prefect_state(steps.extract(load_settings()))


@flow(name="transform", retries=0)
def transform_flow() -> PrefectState[Any]:
    """Build the tables from the lake; the run page lists each dbt node with its outcome and its seconds."""
    outcome = steps.transform(load_settings())
    rows = node_rows(outcome)
    if rows:
        create_table_artifact(key="dbt-nodes", table=rows, description=f"**{outcome.line}**")
    return to_prefect_state(outcome)


@flow(name="publish", retries=0)
def publish_flow() -> PrefectState[Any]:
    """Publish the last good build."""
    return to_prefect_state(steps.publish(load_settings()))


@flow(name="report", retries=0)
def report_flow() -> PrefectState[Any]:
    """Write the report pages from the published file."""
    return to_prefect_state(steps.report(load_settings()))


FETCHES: tuple[Flow[[], PrefectState[Any]], ...] = (
    acquire_events_flow,
    acquire_logs_flow,
    acquire_era5_flow,
    acquire_nmdb_flow,
    acquire_logbook_flow,
)
ARROWS: tuple[Flow[[], PrefectState[Any]], ...] = (extract_flow, transform_flow, publish_flow, report_flow)


@flow(name="run", retries=0)
def run_flow() -> PrefectState[Any]:
    """Acquire what is configured, extract, transform, publish and report, each as a run below this one.

    A failed or skipped one ends the chain, except for the fetches.
    """
    configured = {acquisition.PREFIX + word for word in acquisition.configured(load_settings())}
    fetches = [fetch for fetch in FETCHES if fetch.name in configured]
    outcomes = [to_outcome(fetch.name, fetch(return_state=True)) for fetch in fetches]
    for arrow in ARROWS:
        outcomes.append(to_outcome(arrow.name, arrow(return_state=True)))
        if outcomes[-1].state in ("Failed", "Skipped"):
            break
    return to_prefect_state(steps.summarise(outcomes))


FLOWS: tuple[Flow[[], PrefectState[Any]], ...] = (*FETCHES, *ARROWS, run_flow)
