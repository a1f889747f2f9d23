"""Fetching NMDB: one request at a time, each answer judged by its content before it lands."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb

from extract.environment_file import Marks
from extract.environment_summary import EnvSummary
from extract.nmdb.extract import find_answers
from extract.nmdb.header import Request
from extract.nmdb.read import read_nmdb
from extract.nmdb.request import Block, plan
from extract.nmdb.schema import DATASETS, FOLDER, NMDB, PARSER_VERSION, SOURCE
from extract.transfer.clock import Clock
from extract.transfer.fetched import Fetched, FetchOutcome, FetchSummary, Progress
from extract.transfer.http import OK, Answer, Patience, TooLargeError, UnavailableError, get
from extract.transfer.place import REJECT_FOLDER, find_same, place_bytes, remove_parts
from extract.transfer.sidecar import Sidecar, is_landing_name, read_sidecar
from warehouse.address import host_of, without_query
from warehouse.lake import list_files
from warehouse.settings import Nmdb

logger = logging.getLogger(__name__)

PATIENCE = Patience(connect_s=30.0, read_s=180.0, total_s=600.0, max_bytes=50_000_000, waits_s=(5.0, 20.0, 60.0))
MAX_UNAVAILABLE_IN_A_ROW = 2
NO_DATA_WARNING_RUNS = 3

_HELD = """
select distinct dtype, interval_start::date as day from read_parquet($files, hive_partitioning = false)
"""


def fetch_nmdb(
    landing: Path,
    lake: Path,
    settings: Nmdb,
    *,
    contact: str = "",
    patience: Patience = PATIENCE,
    clock: Clock | None = None,
    on_progress: Progress | None = None,
) -> FetchSummary:
    """Bring the last days, and older days without a row, into landing.

    An answer that equals the newest one of the same days is not stored again. Only one process at a time may fetch into
    a data folder.
    """
    clock = clock or Clock()
    summary = FetchSummary(SOURCE)
    if settings.offline:
        summary.warnings.append("nmdb.offline is set: nothing was asked")
        return summary
    remove_parts(landing / FOLDER)
    blocks = plan(_held(landing, lake), clock.now().date(), settings)
    end_s = clock.monotonic() + settings.budget_s
    n_unavailable = 0
    for n_done, block in enumerate(blocks):
        if n_done:
            clock.sleep(settings.pause_s)
        if clock.monotonic() >= end_s:
            summary.n_waiting = len(blocks) - n_done
            break
        item, is_unavailable = _fetch_block(landing, block, settings, contact, patience, clock, summary)
        summary.items.append(item)
        if on_progress is not None:
            on_progress(n_done + 1, len(blocks), block.name)
        n_unavailable = n_unavailable + 1 if is_unavailable else 0
        if n_unavailable >= MAX_UNAVAILABLE_IN_A_ROW:
            summary.stopped = f"the service is not available, the next run asks again ({item.detail})"
            summary.n_waiting = len(blocks) - n_done - 1
            break
    return summary


def _held(landing: Path, lake: Path) -> dict[str, set[date]]:
    """Days with a row by dtype, in the lake or in a landed answer that was not extracted yet."""
    held: dict[str, set[date]] = defaultdict(set)
    files = [str(path) for path in list_files(lake, NMDB)]
    if files:
        with duckdb.connect() as connection:
            for dtype, day in connection.execute(_HELD, {"files": files}).fetchall():
                held[dtype].add(day)
    marks = Marks(lake, DATASETS)
    for file, _ in find_answers(landing, EnvSummary(SOURCE)):
        if marks.find(file, PARSER_VERSION) is None:
            first, last = _day(file.request, "start"), _day(file.request, "end")
            if first and last:
                held[file.kind].update(first + timedelta(days=n) for n in range((last - first).days + 1))
    return held


def _day(request: Mapping[str, Any], end: str) -> date | None:
    """First or last day of a request in a sidecar; None where it does not say."""
    try:
        return date(*(int(request[f"{end}_{part}"]) for part in ("year", "month", "day")))
    except (KeyError, TypeError, ValueError):
        return None


def _fetch_block(
    landing: Path,
    block: Block,
    settings: Nmdb,
    contact: str,
    patience: Patience,
    clock: Clock,
    summary: FetchSummary,
) -> tuple[Fetched, bool]:
    """What became of one request, and whether the service gave no answer."""
    summary.n_requests += 1
    try:
        answer = get(settings.base_url, block.parameters, patience, clock, contact)
    except UnavailableError as error:
        return Fetched(block.name, "failed", str(error)), True
    except TooLargeError as error:
        return Fetched(block.name, "failed", str(error)), False
    if answer.status != OK:
        return Fetched(block.name, "failed", f"{answer.host} answers with status {answer.status}"), False
    return _land(landing, block, settings, answer, clock.now(), summary), False


def _land(
    landing: Path, block: Block, settings: Nmdb, answer: Answer, fetched_at: datetime, summary: FetchSummary
) -> Fetched:
    """Put an answer into landing or, by its content, into the reject folder."""
    content = answer.content
    sidecar = Sidecar(
        source=SOURCE,
        host=host_of(settings.base_url),
        remote_path=without_query(settings.base_url),
        size=len(content),
        file_sha256=hashlib.sha256(content).hexdigest(),
        fetched_at=fetched_at,
        request=block.request,
        http_status=answer.status,
    )
    name = f"{block.name}_{fetched_at:%Y%m%dT%H%M%SZ}.txt"
    folder = landing / FOLDER / block.query.product
    fault = _fault(content, block, fetched_at)
    if fault is None:
        if same := _same_as_before(folder, block, sidecar):
            return Fetched(block.name, "unchanged", path=same)
        return Fetched(block.name, "fetched", path=place_bytes(content, folder, name, sidecar))
    reason, detail = fault
    rejects = landing / FOLDER / REJECT_FOLDER / reason
    path = place_bytes(content, rejects, name, sidecar)
    outcome: FetchOutcome = "rejected"
    if reason == "no_data":
        outcome = "no_data"
        n_runs = _n_since_data(folder, rejects, block)
        if n_runs >= NO_DATA_WARNING_RUNS:
            summary.warnings.append(f"{block.name}: no data for the {n_runs}th run in a row")
    else:
        logger.warning("%s: the answer is not used, %s: %s", block.name, reason, detail)
    return Fetched(block.name, outcome, f"{reason}: {detail}", path)


def _fault(content: bytes, block: Block, fetched_at: datetime) -> tuple[str, str] | None:
    """Reason and detail of an answer that is not used."""
    query = block.query
    outcome = read_nmdb(content, Request.from_parameters(block.request), product=query.product, fetched_at=fetched_at)
    if outcome.status == "rejected":
        reason, _, detail = (outcome.detail or "").partition(": ")
        return reason, detail
    if outcome.n_rows == 0:
        return "no_rows", outcome.rejects[0].reason if outcome.rejects else "the answer has no data line"
    return None


def _same_as_before(folder: Path, block: Block, sidecar: Sidecar) -> Path | None:
    """The newest landed answer for the same days, where it has the same bytes and no interval that was still open."""
    newest = _answers(folder, block.name)[-1:]
    same = find_same(newest, sidecar.file_sha256, sidecar.size)
    former = read_sidecar(same) if same else None
    end = datetime.combine(block.last_day, time.min) + timedelta(days=1)
    return same if former is not None and former.fetched_at >= end else None


def _answers(folder: Path, stem: str) -> list[Path]:
    """Files of a request by the time of their fetch."""
    return sorted(path for path in folder.glob(f"{stem}_*") if is_landing_name(path.name))


def _n_since_data(folder: Path, rejects: Path, block: Block) -> int:
    """Answers without data for these days (by the first of them) since the last one with data."""
    stem = f"{block.query.dtype}_{block.first_day:%Y%m%d}"

    def fetched(path: Path) -> str:
        return path.name.rpartition("_")[2]

    newest = max((fetched(path) for path in _answers(folder, stem)), default="")
    return sum(fetched(path) > newest for path in _answers(rejects, stem))
