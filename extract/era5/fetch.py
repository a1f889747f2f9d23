"""Fetching ERA5: what is missing or still preliminary, from the service's queue to landing.

A few requests are in the service's queue at a time. What is not ready when the time is over stays there, and the next
run takes it up by the notes in ``pending``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path

from extract.era5.client import CdsService, Service
from extract.era5.held import read_held
from extract.era5.pending import read_notes
from extract.era5.refusal import CdsError
from extract.era5.request import DayState, Held, plan
from extract.era5.run import Run, explain
from extract.era5.schema import FOLDER, SOURCE
from extract.transfer.clock import Clock
from extract.transfer.fetched import FetchSummary, Progress
from extract.transfer.place import remove_parts
from extract.transfer.stations import Site, sites_to_fetch
from warehouse.settings import Era5


def fetch_era5(
    landing: Path,
    lake: Path,
    settings: Era5,
    *,
    sites: Mapping[int, Sequence[Site]] | None = None,
    stations: Collection[int] | None = None,
    open_service: Callable[[], Service] = CdsService,
    clock: Clock | None = None,
    on_progress: Progress | None = None,
) -> FetchSummary:
    """Bring what is missing, and what may have become final, into landing.

    The service is opened only when there is something to ask. Only one process at a time may fetch into a data folder.

    Parameters
    ----------
    sites
        Where the stations stand; None reads the seed.
    stations
        Station numbers; None means all.
    open_service
        Makes the connection; raises `CdsError` without credentials.
    """
    clock = clock or Clock()
    summary = FetchSummary(SOURCE)
    network = sites_to_fetch() if sites is None else sites
    chosen = {number: places for number, places in network.items() if stations is None or number in stations}
    remove_parts(landing / FOLDER)
    held = read_held(landing, lake, chosen, settings.half_width_deg)
    notes = [note for note in read_notes(landing, clock.now()) if note.request.station_id in chosen]
    planned = plan(chosen, held, clock.now(), settings)
    summary.warnings += planned.overdue
    if not notes and not planned.requests:
        return summary
    try:
        service = open_service()
    except CdsError as error:
        summary.stopped = explain(error)
        summary.n_waiting = len(notes) + len(planned.requests)
        return summary
    run = Run(landing, settings, service, clock, summary, on_progress)
    try:
        run.take_up(notes)
        if notes:
            held = read_held(landing, lake, chosen, settings.half_width_deg)
            planned = plan(chosen, _with_jobs(held, run), clock.now(), settings)
        run.work_off(planned.requests)
    finally:
        service.close()
    return summary


def _with_jobs(held: Mapping[tuple[int, str], Mapping[date, DayState]], run: Run) -> Held:
    """What is held, together with what the service works on, so that it is not asked for twice."""
    states = {key: dict(days) for key, days in held.items()}
    for request in (job.request for job in run.jobs):
        hours = frozenset(request.hours)
        under_way = dict.fromkeys(request.days, DayState(hours, hours, run.clock.now()))
        states.setdefault((request.station_id, request.product), {}).update(under_way)
    return states
