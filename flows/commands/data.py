"""The data's way behind landing: unpack, extract, transform, publish, report, run."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from flows.commands.acquire import show_refused
from flows.commands.options import JSON, find_station_id, load
from flows.console import fail, finish, print_table, progress, show
from flows.outcome import Outcome
from warehouse.marks import Span
from warehouse.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(unpack)
    app.command()(extract)
    app.command()(transform)
    app.command()(publish)
    app.command()(report)
    app.command()(run)


def unpack(
    files: list[Path] | None = typer.Argument(
        None, help="HLD files, plain or compressed; without any, all of landing.", metavar="[FILE...]"
    ),
    text: Path | None = typer.Option(
        None, "--text", help="Write the station's text of them into this folder; nothing goes to landing or lake."
    ),
    json: bool = JSON,
) -> None:
    """Unpack HLD, the event builder's binary: into the lake, or as text.

    Files named are brought into landing first. A file whose text is in landing too gives way to the text.

    Example: mingo unpack, or mingo unpack disk/*.hld.tar.gz, or mingo unpack disk/*.hld --text unpacked
    """
    from flows import unpacking

    missing = [path for path in files or [] if not path.is_file()]
    if missing:
        fail(f"{missing[0]}: no such file", 2)
    if text is not None and text.exists() and not text.is_dir():
        fail(f"--text {text} is no folder", 2)
    with progress("unpack", "files", json) as on_file:
        if text is None:
            outcome = unpacking.unpack(load(), files or [], on_file)
        else:
            outcome = unpacking.write_texts(load(), text, files or [], on_file)
    if not json:
        show_extraction(outcome)
        show_refused(outcome)
    finish(outcome, json)


def extract(json: bool = JSON) -> None:
    """Bring every landed file that is not in the lake into the lake (Parquet).

    Example: mingo extract --json
    """
    from flows import steps

    with progress("extract", "files", json) as on_file:
        outcome = steps.extract(load(), on_file)
    if not json:
        show_extraction(outcome)
    finish(outcome, json)


def show_extraction(outcome: Outcome) -> None:
    """Print what an extraction did by station and by source, and the files that failed."""
    stations: dict[str, Any] = outcome.detail.get("daq", {}).get("stations", {})
    columns = ["station", "files", "in the lake", "lines", "events", "rejects", "comments", "hits"]
    keys = ["n_done", "n_skipped", "n_lines", "n_events", "n_rejects", "n_comments", "n_hits"]
    rows = [[name, *(f"{counts[key]:,}" for key in keys)] for name, counts in sorted(stations.items())]
    if any(counts["n_done"] for counts in stations.values()):
        print_table("Detector files", columns, rows)
    sources = [
        [name, *(f"{counts[key]:,}" for key in ("n_done", "n_skipped", "n_rows", "n_rejects"))]
        for name, counts in outcome.detail.items()
        if isinstance(counts, dict) and name != "daq" and counts["n_done"]
    ]
    if sources:
        print_table("Environment files", ["source", "files", "in the lake", "rows", "rejects"], sources)
    failures = outcome.detail.get("failures", [])
    if failures:
        print_table("Failed files", ["file", "reason"], failures, right_from=2)


def transform(
    recalibrate: bool = typer.Option(
        False, "--recalibrate", help="Compute files again, with the neighbours that are there now."
    ),
    first: datetime | None = typer.Option(None, "--from", formats=["%Y-%m-%d"], help="First day of --recalibrate."),
    last: datetime | None = typer.Option(None, "--to", formats=["%Y-%m-%d"], help="Last day of --recalibrate."),
    station: str | None = typer.Option(None, help="Only this station, by code or number, with --recalibrate."),
    json: bool = JSON,
) -> None:
    """Build the tables from the lake with dbt, and test them.

    A file is calibrated with the neighbours it has at the time; --recalibrate does it again for the files that start
    in some days. A run that is stopped in the middle is finished by the next plain `mingo transform`.

    Example: mingo transform, or mingo transform --recalibrate --from 2025-03-01 --to 2025-03-07 --station MINGO01
    """
    from flows import steps

    redo = _redo(first, last, station) if recalibrate else None
    if redo is None and (first or last or station):
        fail("--from, --to and --station belong to --recalibrate", 2)
    with progress("transform", "nodes", json) as on_node:
        outcome = steps.transform(load(), on_node, redo)
    finish(outcome, json)


def _redo(first: datetime | None, last: datetime | None, station: str | None) -> Span:
    if first is None or last is None:
        fail("--recalibrate needs the days: --from YYYY-MM-DD --to YYYY-MM-DD", 2)
    if last < first:
        fail(f"--to {last:%Y-%m-%d} lies before --from {first:%Y-%m-%d}", 2)
    return Span(first.date(), last.date(), None if station is None else find_station_id(station))


def publish(
    rollback: bool = typer.Option(False, "--rollback", help="Put the publication before the present one back."),
    json: bool = JSON,
) -> None:
    """Publish the last good build as serving.duckdb, and export CSV and Parquet files.

    Example: mingo publish
    """
    from flows import steps
    from warehouse.publish import PublishError, roll_back

    settings = load()
    if rollback:
        try:
            roll_back(settings)
        except PublishError as error:
            fail(str(error))
        finish(Outcome("publish", "Completed", "the former publication is back"), json)
    finish(steps.publish(settings), json)


def report(
    figures: bool = typer.Option(False, "--figures", help="Also write every figure as PNG (half a second each)."),
    json: bool = JSON,
) -> None:
    """Write the report pages from the published file.

    Example: mingo report --figures
    """
    from flows import steps

    finish(steps.report(load(), has_figures=figures), json)


def run(
    flow: str | None = typer.Argument(
        None,
        help="One flow to run as a scheduler would: extract, transform, publish, report, or acquire_<source>.",
    ),
    json: bool = JSON,
) -> None:
    """Acquire what is configured, extract, transform, publish and report; or one of them.

    Example: mingo run
    """
    from flows import acquisition, station_fetch, steps

    settings = load()
    single: dict[str, Callable[[Settings], Outcome]] = {
        "acquire_events": station_fetch.acquire_events,
        "acquire_logs": station_fetch.acquire_logs,
        "acquire_era5": acquisition.acquire_era5,
        "acquire_nmdb": acquisition.acquire_nmdb,
        "acquire_logbook": acquisition.acquire_logbook,
        "extract": steps.extract,
        "transform": steps.transform,
        "publish": steps.publish,
        "report": steps.report,
    }
    if flow is not None:
        if flow not in single:
            fail(f"unknown flow '{flow}'; known are {', '.join(single)}", 2)
        finish(single[flow](settings), json)
    with progress("acquire", "requests", json) as on_request:
        fetched = acquisition.acquire_configured(settings, on_request)
    with progress("extract", "files", json) as on_file, progress("transform", "nodes", json) as on_node:
        outcomes = [*fetched, *steps.run(settings, on_file, on_node)]
    if not json:
        for outcome in outcomes:
            show(outcome)
    finish(steps.summarise(outcomes), json)
