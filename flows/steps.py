"""The steps of the data's way as plain functions: what the command line and Prefect both call.

Each takes the settings, does one arrow, and says what became of it in an `Outcome`. None raises for bad data.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from extract.daq.extract import DaqSummary, extract_landing
from extract.daq.logbook import LogbookSummary, extract_logbook
from extract.environment_summary import EnvSummary
from extract.era5.extract import extract_era5
from extract.lab.extract import extract_lab
from extract.nmdb.extract import extract_nmdb
from extract.transfer.local import TransferSummary, UnknownKindError, acquire_local
from extract.transfer.stations import UnknownStationError, read_sites, read_stations
from flows.acquisition import PREFIX
from flows.attempts import extract_attempts
from flows.demo import truth_rows
from flows.outcome import Outcome, State, worst
from warehouse.dbt import Progress
from warehouse.export.run import ExportError, export
from warehouse.lock import LockBusyError, held
from warehouse.marks import NothingToRedoError, Span
from warehouse.publish import PublishError, published_word
from warehouse.publish import publish as publish_build
from warehouse.report.pages import write_report
from warehouse.settings import Settings
from warehouse.transform import TransformResult
from warehouse.transform import transform as transform_lake

OnFile = Callable[[int, int, str], None]
"""Called as (files done, files to do, name of the file just done)."""


class Clock:
    """Seconds since it was made, as a person reads them."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __str__(self) -> str:
        return f"{time.monotonic() - self.start:.1f} s"


def state_of(done: int, failed: int) -> State:
    """Completed, partly failed, failed, or nothing to do, by what was done and what failed."""
    if failed:
        return "Partial" if done else "Failed"
    return "Completed" if done else "NothingToDo"


def acquire(
    settings: Settings,
    files: Sequence[Path],
    *,
    kind: str | None = None,
    station: str | None = None,
    on_file: OnFile | None = None,
) -> Outcome:
    """Bring local files into landing."""
    clock = Clock()
    try:
        summary = acquire_local(files, settings.paths.landing, kind=kind, station=station, on_progress=on_file)
    except (UnknownKindError, UnknownStationError) as error:
        return Outcome("acquire", "Failed", str(error))
    refused = refused_files(summary)
    sentence = (
        f"{summary.fetched} files landed in {clock}; {summary.skipped} were there already, {len(refused)} refused"
    )
    detail = {"fetched": summary.fetched, "skipped": summary.skipped, "refused": refused}
    return Outcome("acquire", state_of(summary.fetched, len(refused)), sentence, detail)


def refused_files(summary: TransferSummary) -> list[list[str]]:
    """File, reason and detail of what did not enter landing."""
    return [[str(item.file), item.reason, item.detail] for item in summary.items if item.outcome == "rejected"]


def extract(settings: Settings, on_file: OnFile | None = None) -> Outcome:
    """Bring every landed file that is not in the lake into the lake."""
    clock = Clock()
    try:
        with held(settings.paths.locks / "extract.lock", "extract", settings.transform.wait_s):
            daq, environment = _extract_sources(settings, on_file)
    except LockBusyError as error:
        return Outcome("extract", "Skipped", str(error))
    failures = [*daq["failures"], *(failure for source in environment.values() for failure in source["failures"])]
    done = daq["n_done"] + daq["n_logbook_done"] + sum(source["n_done"] for source in environment.values())
    detail = {"daq": daq, **environment, "failures": failures}
    skipped = daq["n_skipped"] + sum(source["n_skipped"] for source in environment.values())
    if not done and not failures:
        sentence = f"nothing to do ({skipped} files are in the lake){held_back(daq, *environment.values())}"
    else:
        sentence = (
            f"{done} files in {clock}: {daq['n_events']:,} events, {daq['n_rejects']:,} rejected lines;"
            f" {skipped} were there already, {len(failures)} failed{held_back(daq, *environment.values())}"
        )
    return Outcome("extract", state_of(done, len(failures)), sentence, detail)


def held_back(*counts: dict[str, Any]) -> str:
    """Clause on the files that failed before and were not tried; empty when there are none."""
    n_waiting, n_quarantined = (sum(c[name] for c in counts) for name in ("n_waiting", "n_quarantined"))
    waiting = f"; {n_waiting} failed lately and wait" if n_waiting else ""
    return waiting + (f"; {n_quarantined} quarantined, see `mingo files`" if n_quarantined else "")


def _extract_sources(settings: Settings, on_file: OnFile | None) -> tuple[dict[str, Any], dict[str, Any]]:
    landing, lake = settings.paths.landing, settings.paths.lake
    attempts = extract_attempts(settings.paths)
    logbook = extract_logbook(landing, lake)
    daq = extract_landing(landing, lake, on_progress=on_file, workers=settings.extract.workers, attempts=attempts)
    environment = [
        extract_lab(landing, lake, on_progress=on_file, attempts=attempts),
        extract_era5(landing, lake, read_sites(), on_progress=on_file, attempts=attempts),
        extract_nmdb(landing, lake, on_progress=on_file, attempts=attempts),
    ]
    return daq_detail(daq, logbook), {summary.source: _environment_detail(summary) for summary in environment}


def daq_detail(daq: DaqSummary, logbook: LogbookSummary) -> dict[str, Any]:
    """Totals and, by station code, the counts of the detector files and the logbook."""
    codes = {number: station.station_code for number, station in read_stations().items()}
    stations = {codes.get(s.station_id, str(s.station_id)): asdict(s) for s in daq.stations}
    totals = {
        name: sum(s[name] for s in stations.values())
        for name in ("n_done", "n_skipped", "n_events", "n_rejects", "n_waiting", "n_quarantined")
    }
    return totals | {
        "stations": stations,
        "n_logbook_done": logbook.n_done,
        "failures": [*daq.failures, *logbook.failures],
        "seconds": round(daq.seconds, 2),
    }


def _environment_detail(summary: EnvSummary) -> dict[str, Any]:
    total = summary.total
    return {
        "n_done": total.n_files_done,
        "n_skipped": total.n_files_skipped,
        "n_files_rejected": total.n_files_rejected,
        "n_rows": total.n_rows,
        "n_rejects": total.n_rejects,
        "n_waiting": summary.n_waiting,
        "n_quarantined": summary.n_quarantined,
        "seconds": round(summary.seconds, 2),
        "failures": [[failure.source_file, failure.reason] for failure in summary.failures],
    }


def transform(settings: Settings, on_node: Progress | None = None, redo: Span | None = None) -> Outcome:
    """Bring the tables up to date with the lake; files of ``redo`` are computed again."""
    clock = Clock()
    try:
        result = transform_lake(settings, redo=redo, on_node=on_node)
    except LockBusyError as error:
        return Outcome("transform", "Skipped", str(error))
    except NothingToRedoError as error:
        return Outcome("transform", "Failed", str(error))
    detail = {
        "n_files": result.n_files,
        "n_batches": result.n_batches,
        "n_waiting": result.n_waiting,
        "nodes": [asdict(node) | {"node": node.name} for node in result.nodes],
    }
    if result.is_current:
        return Outcome("transform", "NothingToDo", "nothing to do (the tables hold the whole lake)", detail)
    if result.error is not None:
        return Outcome("transform", "Failed", _transform_error(result), detail)
    n_models = sum(node.kind == "model" for node in result.nodes)
    n_tests = sum(node.kind == "test" for node in result.nodes)
    sentence = f"{result.n_files} files in {clock}: {n_models} models built, {n_tests} tests passed" + (
        f", {len(result.warned)} with a warning ({result.warned[0].name})" if result.warned else ""
    )
    return Outcome("transform", "Completed", sentence, detail)


def _transform_error(result: TransformResult) -> str:
    if not result.failed:
        return str(result.error)
    first = result.failed[0]
    more = f" and {len(result.failed) - 1} more" if len(result.failed) > 1 else ""
    return f"{first.kind} {first.name}{more} failed: {first.message}; readers keep the last published state"


def publish(settings: Settings) -> Outcome:
    """Publish the last good build and export what changed."""
    clock = Clock()
    try:
        result = publish_build(settings)
        exported = export(settings)
    except LockBusyError as error:
        return Outcome("publish", "Skipped", str(error))
    except (PublishError, ExportError) as error:
        return Outcome("publish", "Failed", str(error))
    detail = asdict(result) | {"exported": asdict(exported)}
    if result.is_current and not exported.written and not exported.removed:
        return Outcome("publish", "NothingToDo", "nothing to do (the last good build is published)", detail)
    n_tables, n_rows = len(result.rows or {}), sum((result.rows or {}).values())
    published = f"{n_tables} tables with {n_rows:,} rows ({result.size_bytes / 1e6:.1f} MB)"
    sentence = (
        f"{'the last good build was published' if result.is_current else published} in {clock};"
        f" {len(exported.written)} exports written, {len(exported.untouched)} unchanged"
        + (f", {len(exported.removed)} removed" if exported.removed else "")
    )
    return Outcome("publish", "Completed", sentence, detail)


def report(settings: Settings, *, has_figures: bool = False) -> Outcome:
    """Write the report pages when the publication has changed since the last ones; ``has_figures`` adds PNG files."""
    clock = Clock()
    paths = settings.paths
    publication = published_word(paths.serving, "publication_id")
    if publication is None:
        return Outcome("report", "Failed", "nothing is published yet; run `mingo publish` first")
    mark = paths.report / ".publication"
    if not has_figures and mark.exists() and mark.read_text() == publication:
        return Outcome("report", "NothingToDo", f"nothing to do ({paths.report / 'index.html'} shows {publication})")
    pages = write_report(paths.serving, paths.report, truth=truth_rows(paths), has_png=has_figures)
    mark.write_text(publication)
    sentence = f"{len(pages)} pages in {clock}: {paths.report / 'index.html'}"
    return Outcome("report", "Completed", sentence, {"pages": [str(page) for page in pages]})


def run(settings: Settings, on_file: OnFile | None = None, on_node: Progress | None = None) -> list[Outcome]:
    """Extract, transform, publish and report; a step that failed or was skipped ends the chain."""
    outcomes = [extract(settings, on_file)]
    rest: tuple[Callable[[], Outcome], ...] = (
        lambda: transform(settings, on_node),
        lambda: publish(settings),
        lambda: report(settings),
    )
    for step in rest:
        if outcomes[-1].state in ("Failed", "Skipped"):
            break
        outcomes.append(step())
    return outcomes


def summarise(outcomes: list[Outcome], flow: str = "run") -> Outcome:
    """One outcome for a chain; a source that gave no answer makes it partly failed at most."""
    state = worst([_as_part(outcome) for outcome in outcomes])
    sentence = "; ".join(f"{outcome.flow} {outcome.state}" for outcome in outcomes)
    if state == "NothingToDo":
        sentence = "nothing to do" + (" (everything landed is published)" if flow == "run" else "")
    return Outcome(flow, state, sentence, {outcome.flow: outcome.sentence for outcome in outcomes})


def _as_part(outcome: Outcome) -> Outcome:
    """What a fetch means for a chain that went on after it: a part that failed, or one somebody else does."""
    as_part: dict[State, State] = {"Failed": "Partial", "Skipped": "NothingToDo"}
    is_fetch = outcome.flow.startswith(PREFIX)
    return replace(outcome, state=as_part.get(outcome.state, outcome.state)) if is_fetch else outcome
