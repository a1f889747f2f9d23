"""Fetching from remote sources as steps of the data's way: one function a source, each under the lock of its source."""

import logging
import time
from collections.abc import Callable, Collection
from typing import Any, Literal

from extract.transfer.fetched import FetchSummary, Progress
from extract.transfer.stations import UnknownStationError
from flows import station_fetch
from flows.outcome import Outcome, State
from warehouse.lock import LockBusyError, held
from warehouse.settings import Settings

logger = logging.getLogger(__name__)

Source = Literal["era5", "nmdb", "logbook"]
SOURCES: tuple[Source, ...] = ("era5", "nmdb", "logbook")
PREFIX = "acquire_"


def acquire_source(
    source: Source,
    settings: Settings,
    *,
    stations: Collection[int] | None = None,
    on_request: Progress | None = None,
) -> Outcome:
    """Bring what a remote source has and landing lacks into landing.

    Parameters
    ----------
    stations
        Station numbers; None means all. Of no meaning for NMDB, whose answers belong to no station.
    """
    flow = PREFIX + source
    started = time.monotonic()
    try:
        with held(settings.paths.locks / f"{source}.lock", flow, settings.transform.wait_s):
            summary = _FETCHERS[source](settings, stations, on_request)
    except LockBusyError as error:
        return Outcome(flow, "Skipped", str(error))
    except UnknownStationError as error:
        return Outcome(flow, "Failed", str(error))
    for warning in summary.warnings:
        logger.warning("%s: %s", flow, warning)
    return Outcome(flow, _state(summary), _sentence(summary, time.monotonic() - started), _detail(summary))


def _era5(settings: Settings, stations: Collection[int] | None, on_request: Progress | None) -> FetchSummary:
    from extract.era5.fetch import fetch_era5  # late: the service's client takes a second to load

    paths = settings.paths
    return fetch_era5(paths.landing, paths.lake, settings.era5, stations=stations, on_progress=on_request)


def _nmdb(settings: Settings, stations: Collection[int] | None, on_request: Progress | None) -> FetchSummary:
    from extract.nmdb.fetch import fetch_nmdb

    paths = settings.paths
    contact = settings.acquire.contact
    return fetch_nmdb(paths.landing, paths.lake, settings.nmdb, contact=contact, on_progress=on_request)


def _logbook(settings: Settings, stations: Collection[int] | None, on_request: Progress | None) -> FetchSummary:
    from extract.daq.logbook_fetch import fetch_logbooks

    return fetch_logbooks(
        settings.paths.landing,
        settings.logbook,
        only=stations,
        contact=settings.acquire.contact,
        on_progress=on_request,
    )


_FETCHERS: dict[Source, Callable[[Settings, Collection[int] | None, Progress | None], FetchSummary]] = {
    "era5": _era5,
    "nmdb": _nmdb,
    "logbook": _logbook,
}


def acquire_era5(settings: Settings) -> Outcome:
    """Fetch ERA5."""
    return acquire_source("era5", settings)


def acquire_nmdb(settings: Settings) -> Outcome:
    """Fetch NMDB."""
    return acquire_source("nmdb", settings)


def acquire_logbook(settings: Settings) -> Outcome:
    """Fetch the logbook sheets."""
    return acquire_source("logbook", settings)


def configured(settings: Settings) -> list[str]:
    """Words of the configured sources: those of the stations that have an entry, and those of ``acquire.sources``."""
    return [*station_fetch.configured_station_sources(settings), *settings.acquire.sources]


def acquire_configured(settings: Settings, on_request: Progress | None = None) -> list[Outcome]:
    """Fetch from the stations and from every source of ``acquire.sources``; one that fails keeps no other out."""
    words = station_fetch.configured_station_sources(settings)
    outcomes = [station_fetch.STATION_SOURCES[word][0](settings) for word in words]
    return outcomes + [acquire_source(s, settings, on_request=on_request) for s in settings.acquire.sources]


def _state(summary: FetchSummary) -> State:
    if summary.n_failed:
        return "Partial" if summary.n_done else "Failed"
    return "Completed" if summary.n_done else "NothingToDo"


def _sentence(summary: FetchSummary, seconds: float) -> str:
    asked = f"{summary.n_requests} requests in {seconds:.1f} s"
    if not summary.n_done and not summary.n_failed:
        reasons = [
            *summary.warnings[:1],
            *([f"{summary.count('unchanged')} answers as before"] if summary.count("unchanged") else []),
            *([f"no data yet for {summary.count('no_data')}"] if summary.count("no_data") else []),
        ]
        return f"nothing to do ({'; '.join(reasons) or 'nothing is missing'}), {asked}"
    parts = [
        f"{summary.n_done} answers landed, {asked}",
        f"{summary.count('unchanged')} as before",
        f"{summary.count('no_data')} without data",
        f"{summary.n_failed} failed",
        f"{summary.n_waiting} wait for the next run",
    ]
    kept = parts[:1] + [part for part in parts[1:] if not part.startswith("0 ")]
    return "; ".join(kept) + (f"; {summary.problem}" if summary.problem else "")


def _detail(summary: FetchSummary) -> dict[str, Any]:
    return {
        "fetched": summary.n_done,
        "requests": summary.n_requests,
        "failed": summary.n_failed,
        "waiting": summary.n_waiting,
        "warnings": summary.warnings,
        "items": [[item.name, item.outcome, item.detail] for item in summary.items],
    }
