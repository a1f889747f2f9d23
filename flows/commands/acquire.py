"""Bringing files into landing: from the stations, from remote services, from this machine."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from flows.commands.options import JSON, find_station_id, load
from flows.console import cell, fail, finish, out, print_table, progress, show
from flows.outcome import Outcome
from warehouse.settings import Settings

if TYPE_CHECKING:
    from flows.station_fetch import Selection

DAY = ["%Y-%m-%d"]
EVENTS_ONLY = "belongs to `mingo acquire events`"
SHOWN_FILES = 20
STAYS = {
    "bad_name": "no detector file's name; rename it there or add it to `exclude`",
    "wrong_station": "names another station; move it there or add it to `exclude`",
    "not_regular": "a link, folder or device; only plain files are fetched",
    "too_large": "more than 1 GiB; look at it there, or add it to `exclude`",
    "empty_remote": "holds nothing; the next run looks again",
}
"""Why a file is not fetched, and what a person can do about it."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(acquire)


def acquire(
    words: list[str] | None = typer.Argument(
        None,
        help="events, logs (from the stations), era5, nmdb, logbook; without a word all that is configured."
        " With --local: files.",
        metavar="[SOURCE...] | --local FILE...",
    ),
    local: bool = typer.Option(
        False,
        "--local",
        help="The words are files of this machine: detector .dat and .hld, lab logs, ERA5, NMDB, sheets.",
    ),
    kind: str | None = typer.Option(
        None, help="With --local: dat, hld, lab_log, era5, nmdb or logbook, where name and content do not tell."
    ),
    station: str | None = typer.Option(
        None, help="Station code or number; with --local also the monitor of an NMDB file."
    ),
    source: str = typer.Option("dat", help="Events: dat, the stations' text, or hld, the archive's binary."),
    first: datetime | None = typer.Option(None, "--from", formats=DAY, help="Events: first UTC day of the start."),
    last: datetime | None = typer.Option(None, "--to", formats=DAY, help="Events: last UTC day of the start."),
    max_files: int | None = typer.Option(
        None, min=1, help="Events, logs: files a station, instead of acquire.max_files."
    ),
    force_hld: bool = typer.Option(False, "--force-hld", help="Events: fetch HLD although the text is here."),
    plan: bool = typer.Option(False, "--plan", help="Events, logs: only list and say what would be fetched."),
    json: bool = JSON,
) -> None:
    """Bring source files into landing: from stations and services, or from this machine with --local.

    Example: mingo acquire events --station MINGO01 --plan

    Example: mingo acquire --local disk/*.dat.gz
    """
    if local:
        _acquire_local([Path(word) for word in words or []], kind, station, json)
    if kind is not None:
        fail("--kind belongs to --local", 2)
    settings = load()
    sources = _find_sources(settings, words or [])
    numbers = None if station is None else [find_station_id(station)]
    if station is not None and "nmdb" in sources:
        fail("--station: the answers of nmdb belong to no station", 2)
    only_events = {
        "--from": first,
        "--to": last,
        "--force-hld": force_hld or None,
        "--source": None if source == "dat" else source,
    }
    if given := [option for option, value in only_events.items() if value is not None and sources != ["events"]]:
        fail(f"{given[0]} {EVENTS_ONLY}", 2)
    if (max_files or plan) and not set(sources) <= set(_station_words()):
        fail(f"{'--plan' if plan else '--max-files'} belongs to `mingo acquire events` and `mingo acquire logs`", 2)
    if source not in ("dat", "hld"):
        fail(f"--source {source}: known are dat and hld", 2)
    if first and last and last < first:
        fail(f"--to {last:%Y-%m-%d} lies before --from {first:%Y-%m-%d}", 2)
    _check_stations(settings, sources)
    from flows.station_fetch import Selection

    selection = Selection(
        stations=numbers,
        source="dat" if source == "dat" else "hld",
        first=first and first.date(),
        last=last and last.date(),
        max_files=max_files,
        has_force_hld=force_hld,
        is_plan=plan,
    )
    outcomes = []
    for name in sources:
        run = _from_stations if name in _station_words() else _from_service
        outcomes.append(run(name, settings, selection, json))
        if not json and len(sources) > 1:
            show(outcomes[-1])
    from flows.steps import summarise

    finish(outcomes[0] if len(sources) == 1 else summarise(outcomes, "acquire"), json)


def _station_words() -> list[str]:
    from flows.station_fetch import STATION_SOURCES

    return list(STATION_SOURCES)


def _find_sources(settings: Settings, words: list[str]) -> list[str]:
    """The sources named, else those configured, in a fixed order; usage errors end the command."""
    from flows.acquisition import SOURCES
    from flows.station_fetch import configured_station_sources

    known = [*_station_words(), *SOURCES]
    if unknown := [word for word in words if word not in known]:
        fail(f"unknown source '{unknown[0]}'; known are {', '.join(known)}; files of this machine need --local", 2)
    wanted = words or [*configured_station_sources(settings), *settings.acquire.sources]
    if not wanted:
        fail("no source is configured: name one, set acquire.stations or acquire.sources, or use --local FILE...", 2)
    return [word for word in known if word in wanted]


def _check_stations(settings: Settings, sources: list[str]) -> None:
    """A station in the settings that the network does not have ends the command before anything is asked."""
    if set(sources) & set(_station_words()):
        for code in settings.acquire.stations:
            find_station_id(code)
    for code in settings.logbook.url if "logbook" in sources else ():
        find_station_id(code)


def _from_stations(name: str, settings: Settings, selection: "Selection", is_json: bool) -> Outcome:
    from flows.station_fetch import STATION_SOURCES
    from flows.transfer_progress import transfer_progress

    with transfer_progress(f"acquire {name}", is_json) as watch:
        outcome = STATION_SOURCES[name][0](settings, selection, watch=watch)
    if not is_json:
        show_stations(outcome)
    return outcome


def _from_service(name: str, settings: Settings, selection: "Selection", is_json: bool) -> Outcome:
    from flows.acquisition import SOURCES, acquire_source

    source = next(known for known in SOURCES if known == name)
    with progress(f"acquire {name}", "requests", is_json) as on_request:
        outcome = acquire_source(source, settings, stations=selection.stations, on_request=on_request)
    if not is_json:
        _show_fetch(outcome)
    return outcome


def _show_fetch(outcome: Outcome) -> None:
    """Print the requests that gave no data."""
    rows = [item for item in outcome.detail.get("items", []) if item[1] not in ("fetched", "unchanged")]
    if rows:
        print_table("Requests without data", ["request", "outcome", "detail"], rows, right_from=3)


def show_stations(outcome: Outcome) -> None:
    """Print one line a station with the counts that are not all zero, then the files with a problem."""
    from flows.station_fetch import megabytes

    stations: list[dict[str, Any]] = outcome.detail.get("stations", [])
    words = list(dict.fromkeys(word for entry in stations for word, n in entry["counts"].items() if n))
    is_plan = any(entry["state"] == "planned" for entry in stations)
    rows = [
        [
            entry["station"],
            entry["state"],
            *(entry["counts"].get(word, 0) for word in words),
            megabytes(entry.get("to_fetch_bytes" if is_plan else "bytes", 0)),
            f"{entry.get('seconds', 0):.1f}",
        ]
        for entry in stations
    ]
    if rows:
        size = "to fetch" if is_plan else "received"
        columns = ["station", "", *(word.replace("_", " ") for word in words), size, "s"]
        print_table("Stations", columns, rows, right_from=2)
    bad = [(e["station"], name, word, why) for e in stations for name, word, why in e.get("failures", [])]
    bad += [(e["station"], name, word, STAYS[word]) for e in stations for name, word in e.get("refused", [])]
    if bad:
        named = [[code, cell(name), cell(f"{word}: {why}")] for code, name, word, why in bad[:SHOWN_FILES]]
        print_table("Files that stayed there", ["station", "file", "why"], named, right_from=3)
    if len(bad) > SHOWN_FILES:
        out.print(f"  ... and {len(bad) - SHOWN_FILES} more; --json lists them all", highlight=False)


def _acquire_local(files: list[Path], kind: str | None, station: str | None, json: bool) -> NoReturn:
    from flows import steps

    if not files:
        fail("--local needs files", 2)
    missing = [path for path in files if not path.is_file()]
    if missing:
        fail(f"{missing[0]}: no such file", 2)
    with progress("acquire", "files", json) as on_file:
        outcome = steps.acquire(load(), files, kind=kind, station=station, on_file=on_file)
    if not json:
        show_refused(outcome)
    finish(outcome, json)


def show_refused(outcome: Outcome) -> None:
    """Print the files that did not enter landing."""
    refused = outcome.detail.get("refused", [])
    if refused:
        print_table("Refused files", ["file", "reason", "detail"], refused, right_from=3)
