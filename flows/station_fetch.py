"""Fetching from the stations' SFTP servers as a step of the data's way: all stations at once, one outcome."""

import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from extract.transfer.clock import Clock
from extract.transfer.sftp.download import Rules
from extract.transfer.sftp.endpoint import Endpoint, configured_codes, resolve
from extract.transfer.sftp.log_station import fetch_station_logs
from extract.transfer.sftp.plausible import read_plausible
from extract.transfer.sftp.remote import RemoteSourceName, shown
from extract.transfer.sftp.run import at_each
from extract.transfer.sftp.select import Wanted
from extract.transfer.sftp.session import Open, Session, opener
from extract.transfer.sftp.station import LOCK_WAIT_S, Place, StationRun, Watch, fetch_station
from extract.transfer.stations import UnknownStationError, find_station, read_stations
from flows.outcome import Outcome, State
from warehouse.settings import ConfigurationError, Settings

EVENTS = "acquire_events"
LOGS = "acquire_logs"
START_DELAY_S = 240.0
"""Longest pause before a scheduled fetch of logs: it keeps the load off the full minute."""


@dataclass(frozen=True)
class Selection:
    """What a person asks for beyond the settings; ``stations`` are numbers, None means all."""

    stations: Collection[int] | None = None
    source: Literal["dat", "hld"] = "dat"
    first: date | None = None
    last: date | None = None
    max_files: int | None = None
    has_force_hld: bool = False
    is_plan: bool = False


@dataclass(frozen=True)
class Failure:
    """A station that could not even be asked, and why."""

    station_code: str
    problem: str


def find_endpoints(
    settings: Settings, source: RemoteSourceName, stations: Collection[int] | None
) -> tuple[list[Endpoint], list[Failure], list[str]]:
    """Addresses to ask, stations whose entry cannot be used, and codes of stations that are switched off.

    Raises
    ------
    UnknownStationError
        For an entry of a station that is not in the seed.
    """
    network = read_stations()
    endpoints: list[Endpoint] = []
    failures: list[Failure] = []
    disabled: list[str] = []
    for code in configured_codes(settings, source):
        station = find_station(code, network)
        if stations is not None and station.station_id not in stations:
            continue
        if not station.is_enabled:
            disabled.append(station.station_code)
            continue
        try:
            endpoints.append(resolve(settings, code, source))
        except ConfigurationError as error:
            failures.append(Failure(station.station_code, str(error)))
    return endpoints, failures, disabled


def acquire_events(
    settings: Settings,
    selection: Selection | None = None,
    *,
    watch: Watch | None = None,
    open_remote: Open | None = None,
    clock: Clock | None = None,
    lock_wait_s: float = LOCK_WAIT_S,
) -> Outcome:
    """Bring detector files that the stations have and landing lacks into landing; newest first."""
    selection, started = selection or Selection(), time.monotonic()
    try:
        endpoints, failures, disabled = find_endpoints(settings, selection.source, selection.stations)
    except UnknownStationError as error:
        return Outcome(EVENTS, "Failed", f"acquire.stations: {error}")
    if not endpoints and not failures:
        return _nothing(EVENTS, selection.source, selection, disabled)
    acquire = settings.acquire
    place = Place(settings.paths.landing, settings.paths.lake, acquire.min_free_gib)
    watch = watch or Watch()
    plausible = read_plausible() if selection.source == "hld" else {}

    def work(session: Session, station_clock: Clock) -> StationRun:
        endpoint = session.endpoint
        wanted = Wanted(
            station_id=endpoint.station_id,
            kind=selection.source,
            include=endpoint.include,
            exclude=endpoint.exclude,
            first=selection.first,
            last=selection.last,
            min_age_s=acquire.min_age_s,
            max_files=selection.max_files or acquire.max_files,
            has_force_hld=selection.has_force_hld,
            plausible=plausible.get(endpoint.station_id),
            hld_window=acquire.hld_window,
        )
        rules = Rules(acquire.attempts, acquire.remote_hash, on_bytes=lambda n: watch.on_bytes(endpoint, n))
        return fetch_station(
            session,
            wanted,
            place,
            rules,
            is_plan=selection.is_plan,
            lock_wait_s=lock_wait_s,
            clock=station_clock,
            watch=watch,
        )

    runs = at_each(endpoints, open_remote or opener(acquire), work, workers=acquire.workers, clock=clock)
    return to_outcome(EVENTS, runs, failures, disabled, time.monotonic() - started)


def acquire_logs(
    settings: Settings,
    selection: Selection | None = None,
    *,
    watch: Watch | None = None,
    open_remote: Open | None = None,
    clock: Clock | None = None,
    lock_wait_s: float = LOCK_WAIT_S,
) -> Outcome:
    """Bring every version of the stations' lab logs that landing and lake lack into landing; latest days first."""
    selection, started = selection or Selection(), time.monotonic()
    try:
        endpoints, failures, disabled = find_endpoints(settings, "log", selection.stations)
    except UnknownStationError as error:
        return Outcome(LOGS, "Failed", f"acquire.stations: {error}")
    if not endpoints and not failures:
        return _nothing(LOGS, "log", selection, disabled)
    acquire = settings.acquire
    place = Place(settings.paths.landing, settings.paths.lake, acquire.min_free_gib)
    watch = watch or Watch()

    def work(session: Session, station_clock: Clock) -> StationRun:
        endpoint = session.endpoint
        return fetch_station_logs(
            session,
            place,
            Rules(acquire.attempts, acquire.remote_hash, on_bytes=lambda n: watch.on_bytes(endpoint, n)),
            max_files=selection.max_files or acquire.max_files,
            is_plan=selection.is_plan,
            lock_wait_s=lock_wait_s,
            clock=station_clock,
            watch=watch,
        )

    runs = at_each(endpoints, open_remote or opener(acquire), work, workers=acquire.workers, clock=clock)
    return to_outcome(LOGS, runs, failures, disabled, time.monotonic() - started)


def acquire_logs_later(
    settings: Settings, *, clock: Clock | None = None, draw: Callable[[], float] = random.random
) -> Outcome:
    """As `acquire_logs` for a schedule: after a pause of 0 to `START_DELAY_S`; ``draw`` gives numbers from 0 to 1."""
    if configured_codes(settings, "log"):
        (clock or Clock()).sleep(START_DELAY_S * draw())
    return acquire_logs(settings, clock=clock)


def _nothing(flow: str, source: RemoteSourceName, selection: Selection, disabled: Sequence[str]) -> Outcome:
    """No station to ask, and why."""
    which = "the station asked for" if selection.stations is not None else "any station"
    why = _disabled(disabled) if disabled else f"no {source} source is configured for {which}"
    return Outcome(flow, "NothingToDo", f"nothing to do ({why})", {"disabled": list(disabled)})


def _disabled(codes: Sequence[str]) -> str:
    return f"disabled (is_enabled in seeds/station.csv): {', '.join(codes)}"


def to_outcome(
    flow: str, runs: Sequence[StationRun], failures: Sequence[Failure], disabled: Sequence[str], seconds: float
) -> Outcome:
    """One outcome of many stations: skipped only where all were, failed only where none did anything."""
    n_fetched = sum(run.count("fetched") for run in runs)
    bad = [(run.endpoint.station_code, run.problem) for run in runs if run.problem and not run.is_skipped]
    bad += [(failure.station_code, failure.problem) for failure in failures]
    skipped = [run.endpoint.station_code for run in runs if run.is_skipped]
    n_failed = sum(run.count("failed") for run in runs)
    state: State
    if runs and len(skipped) == len(runs) and not failures:
        state = "Skipped"
    elif bad or n_failed:
        state = "Partial" if n_fetched or any(run.state == "planned" for run in runs) else "Failed"
    else:
        state = "Completed" if n_fetched else "NothingToDo"
    detail = {
        "fetched": n_fetched,
        "bytes": sum(run.n_bytes for run in runs),
        "failed": n_failed,
        "waiting": sum(run.count("waiting", "fetch") for run in runs),
        "disabled": list(disabled),
        "stations": [station_detail(run) for run in runs]
        + [{"station": f.station_code, "state": "failed", "problem": f.problem, "counts": {}} for f in failures],
    }
    return Outcome(flow, state, _sentence(detail, runs, bad, skipped, seconds), detail)


def station_detail(run: StationRun) -> dict[str, Any]:
    """What became of a station, for `--json` and for the table: counts by word, and each file that failed."""
    is_logs = run.endpoint.source == "log"  # beside them lies much that is not for us: it is counted, not named
    return {
        "station": run.endpoint.station_code,
        "source": run.endpoint.source,
        "host": run.endpoint.host,
        "state": run.state,
        "problem": run.problem,
        "counts": run.counts,
        **({"n_ignored_names": run.count("bad_name")} if is_logs else {}),
        "bytes": run.n_bytes,
        "to_fetch_bytes": sum(choice.file.size for choice in run.choices if choice.word == "fetch"),
        "seconds": round(run.seconds, 2),
        "failures": [[shown(c.file.name), c.word, c.detail] for c in run.choices if c.word in ("failed", "vanished")],
        "refused": [
            [shown(c.file.name), c.word]
            for c in run.choices
            if c.word in ("bad_name", "wrong_station", "not_regular", "too_large", "empty_remote")
            and not (is_logs and c.word == "bad_name")
        ],
    }


def _sentence(
    detail: dict[str, Any], runs: Sequence[StationRun], bad: list[tuple[str, str]], skipped: list[str], seconds: float
) -> str:
    is_plan = any(run.is_plan for run in runs)
    listed = sum(len(run.choices) for run in runs)
    none = "none is new" if all(run.endpoint.source == "log" for run in runs) else "none is new and old enough"
    if is_plan:
        n, size = sum(run.count("fetch") for run in runs), sum(s.get("to_fetch_bytes", 0) for s in detail["stations"])
        first = f"plan only, nothing was fetched: {n} of {listed:,} listed files ({megabytes(size)}) would be"
    elif detail["fetched"]:
        first = f"{detail['fetched']} files ({megabytes(detail['bytes'])}) of {_stations(runs)} in {seconds:.1f} s"
    elif bad or detail["failed"]:
        first = f"nothing fetched in {seconds:.1f} s"
    elif skipped and len(skipped) == len(runs):
        return "skipped " + "; ".join(run.problem for run in runs)
    else:
        first = f"nothing to do ({listed:,} files listed at {_stations(runs)}, {none})"
    parts = [
        first,
        *([f"{detail['failed']} failed"] if detail["failed"] else []),
        *([f"{detail['waiting']} wait for the next run"] if detail["waiting"] and not is_plan else []),
        *([f"skipped {', '.join(skipped)} (busy)"] if skipped else []),
        *([_disabled(detail["disabled"])] if detail["disabled"] else []),
        *(f"{code}: {problem}" for code, problem in bad),
    ]
    return "; ".join(parts)


def _stations(runs: Sequence[StationRun]) -> str:
    n = sum(bool(run.choices) or not run.problem for run in runs)
    return f"{n} station" if n == 1 else f"{n} stations"


def megabytes(n_bytes: float) -> str:
    """Bytes as a person reads them."""
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e3:,.1f} kB"


Runner = Callable[..., Outcome]
STATION_SOURCES: dict[str, tuple[Runner, tuple[RemoteSourceName, ...]]] = {
    "events": (acquire_events, ("dat",)),
    "logs": (acquire_logs, ("log",)),
}
"""Words of `mingo acquire` that mean the stations' servers: what runs, and the entries that configure it."""


def configured_station_sources(settings: Settings) -> list[str]:
    """The words of `STATION_SOURCES` for which any station has an entry."""
    return [
        word
        for word, (_, sources) in STATION_SOURCES.items()
        if any(configured_codes(settings, source) for source in sources)
    ]
