"""What the Prefect server is told: one deployment per flow with its cron schedule in UTC.

A module path as entry point, so that a run imports the flow from the project instead of from a stored path.
"""

from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from flows.acquisition import PREFIX, configured
from flows.prefect_flows import FETCHES, FLOWS
from warehouse.settings import FlowSchedule, Settings

DEPLOYMENT = "mingo"
TIME_ZONE = "UTC"


def flow_schedules(settings: Settings) -> dict[str, FlowSchedule]:
    """The schedule of each flow by its name, as configured under ``[schedule.<flow>]``.

    A fetch is scheduled only when its source is configured.
    """
    schedules: dict[str, FlowSchedule] = {flow.name: getattr(settings.schedule, flow.name) for flow in FLOWS}
    for fetch in FETCHES:
        if fetch.name.removeprefix(PREFIX) not in configured(settings):
            schedules[fetch.name] = schedules[fetch.name].model_copy(update={"is_enabled": False})
    return schedules


def deployment(flow: Flow[[], Any], schedule: FlowSchedule) -> RunnerDeployment:
    """The deployment ``<flow>/mingo``: never two runs at once, a new one is cancelled while another works."""
    return RunnerDeployment.from_flow(
        flow,
        name=DEPLOYMENT,
        schedules=[Cron(schedule.cron, timezone=TIME_ZONE)] if schedule.is_enabled else [],
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
        description=flow.description,
    )


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """All deployments, scheduled as the settings say."""
    schedules = flow_schedules(settings)
    return [deployment(flow, schedules[flow.name]) for flow in FLOWS]
