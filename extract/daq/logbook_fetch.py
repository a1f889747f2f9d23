"""Fetching the stations' logbook sheets over HTTPS; a bad download leaves the last good sheet in use.

The address of a sheet is known to the operator only: neither sidecars nor messages hold more of it than its host.
"""

import hashlib
import logging
from collections.abc import Collection, Mapping
from pathlib import Path

from extract.daq.logbook import InvalidLogbookError, parse_logbook
from extract.transfer.clock import Clock
from extract.transfer.fetched import Fetched, FetchSummary, Progress
from extract.transfer.http import OK, Answer, Patience, TooLargeError, UnavailableError, get
from extract.transfer.place import REJECT_FOLDER, find_same, place_bytes, remove_parts
from extract.transfer.sidecar import Sidecar, is_landing_name
from extract.transfer.stations import Station, find_station, read_stations
from warehouse.address import host_of, is_safe
from warehouse.settings import Logbook
from warehouse.variables import MissingVariableError, expand

logger = logging.getLogger(__name__)

SOURCE = "logbook"
FOLDER = "logbook"
PATIENCE = Patience(connect_s=30.0, read_s=30.0, total_s=120.0, max_bytes=5_000_000, waits_s=(5.0, 15.0))


def fetch_logbooks(
    landing: Path,
    settings: Logbook,
    *,
    stations: Mapping[int, Station] | None = None,
    only: Collection[int] | None = None,
    contact: str = "",
    patience: Patience = PATIENCE,
    clock: Clock | None = None,
    on_progress: Progress | None = None,
) -> FetchSummary:
    """Bring the sheet of each station with an address into landing, unless it equals the newest one there.

    Parameters
    ----------
    stations
        The network; None reads the seed.
    only
        Numbers of the stations to fetch; None means all.

    Raises
    ------
    UnknownStationError
        For an address of a station that is not in the network.
    """
    clock = clock or Clock()
    network = read_stations() if stations is None else stations
    sheets = [(find_station(code, network), address) for code, address in settings.url.items()]
    sheets = [sheet for sheet in sheets if only is None or sheet[0].station_id in only]
    summary = FetchSummary(SOURCE)
    is_configured = bool(sheets)
    sheets = [sheet for sheet in sheets if sheet[0].is_enabled]
    if not is_configured:
        summary.stopped = "no address is configured: set logbook.url.<station code>"
    remove_parts(landing / FOLDER)
    for n_done, (station, secret) in enumerate(sheets, start=1):
        summary.n_requests += 1
        summary.items.append(_fetch_sheet(landing, station, secret.get_secret_value(), contact, patience, clock))
        if on_progress is not None:
            on_progress(n_done, len(sheets), station.station_code)
    return summary


def _fetch_sheet(
    landing: Path, station: Station, address: str, contact: str, patience: Patience, clock: Clock
) -> Fetched:
    name = station.station_code
    try:
        address = expand(address, f"logbook.url.{name}")
    except MissingVariableError as error:
        return Fetched(name, "failed", str(error))
    if not is_safe(address):
        return Fetched(name, "failed", f"the address in the variable of logbook.url.{name} must begin with https://")
    try:
        answer = get(address, None, patience, clock, contact)
    except (UnavailableError, TooLargeError) as error:
        return Fetched(name, "failed", f"{error}; the last good sheet stays in use")
    if answer.status != OK:
        return Fetched(name, "failed", f"{host_of(address)} answers with status {answer.status}")
    return _land(landing, station, address, answer, clock)


def _land(landing: Path, station: Station, address: str, answer: Answer, clock: Clock) -> Fetched:
    fetched_at = clock.now()
    sidecar = Sidecar(
        source=SOURCE,
        host=host_of(address),
        remote_path=station.station_code,
        size=len(answer.content),
        file_sha256=hashlib.sha256(answer.content).hexdigest(),
        fetched_at=fetched_at,
        http_status=answer.status,
    )
    folder = landing / FOLDER / f"station={station.station_id}"
    try:
        parse_logbook(answer.content, station.station_id)
    except InvalidLogbookError as error:
        rejects = landing / FOLDER / REJECT_FOLDER / _reason(answer.content)
        name = f"{station.station_code}_{fetched_at:%Y%m%dT%H%M%SZ}.csv"
        path = place_bytes(answer.content, rejects, name, sidecar)
        logger.warning("logbook of %s: the answer is not used: %s", station.station_code, error)
        return Fetched(station.station_code, "rejected", f"{error}; the last good sheet stays in use", path)
    newest = sorted(path for path in folder.glob("*.csv") if is_landing_name(path.name))[-1:]
    if same := find_same(newest, sidecar.file_sha256, sidecar.size):
        return Fetched(station.station_code, "unchanged", path=same)
    path = place_bytes(answer.content, folder, f"{fetched_at:%Y%m%dT%H%M%SZ}.csv", sidecar)
    return Fetched(station.station_code, "fetched", path=path)


def _reason(content: bytes) -> str:
    """Reject folder of a download that is no logbook."""
    head = content[:1024].lstrip().lower()
    if not head:
        return "empty_body"
    return "html_page" if head.startswith((b"<!doctype", b"<html")) else "invalid"
