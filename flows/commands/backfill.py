"""Old files on demand: `mingo backfill`."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from flows.commands.options import JSON, load
from flows.console import fail, finish, print_table, progress
from flows.outcome import Outcome
from warehouse.settings import ConfigurationError, Settings, config_file

if TYPE_CHECKING:
    from extract.transfer.sftp.supply import StationSupply
    from extract.transfer.stations import Station
    from flows.backfill_plan import Request

ALL = "all"
SHOWN_DAYS = 40


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(backfill)


def backfill(
    station: str = typer.Option(..., help="Station code or number, or `all`."),
    mode: str = typer.Option(..., help="range (oldest first), newest (latest first) or random_day (one day, drawn)."),
    first: datetime | None = typer.Option(None, "--from", formats=["%Y-%m-%d"], help="First UTC day."),
    last: datetime | None = typer.Option(None, "--to", formats=["%Y-%m-%d"], help="Last UTC day, inclusive."),
    limit: int | None = typer.Option(None, help="Files of this run, at most; backfill.limit without it."),
    budget: float | None = typer.Option(None, help="Seconds after which no further file is begun; backfill.budget_s."),
    source: str | None = typer.Option(None, help="station, archive or landing; all that are there without it."),
    seed: int | None = typer.Option(None, help="With random_day: the same seed gives the same day."),
    refresh: bool = typer.Option(False, "--refresh", help="List the archive again, however young its listing is."),
    force_hld: bool = typer.Option(False, "--force-hld", help="Fetch HLD even where the text of the file exists."),
    transform: bool = typer.Option(False, "--transform", help="Build the tables at the end."),
    plan: bool = typer.Option(False, "--plan", help="Say what would be done, and change nothing."),
    json: bool = JSON,
) -> None:
    """Bring old files from the stations, their archive or landing into the lake; run it again to go on.

    Example: mingo backfill --station MINGO01 --mode range --from 2025-03-01 --to 2025-03-07 --source archive --plan
    """
    from flows import backfill as flow

    settings = load()
    request = replace(
        _request(settings, station, mode, first, last, limit, budget, source, seed),
        is_fresh=refresh,
        has_force_hld=force_hld,
        has_transform=transform,
    )
    supplies = _supplies(settings, request)
    if plan:
        outcome = flow.plan_only(settings, request, supplies)
        _show(outcome, ["station", "day", "n_files", "n_bytes"], ["station", "day", "files", "MB to fetch"], json)
        finish(outcome, json)
    with progress("backfill", "files", json) as on_file, progress("transform", "nodes", json) as on_node:
        outcome = flow.backfill(settings, request, supplies, on_file=on_file, on_node=on_node)
    keys = ["station", "day", "n_fetched", "n_bytes", "n_extracted", "n_failed"]
    _show(outcome, keys, ["station", "day", "fetched", "MB", "in the lake", "failed"], json)
    finish(outcome, json)


def _request(
    settings: Settings,
    station: str,
    mode: str,
    first: datetime | None,
    last: datetime | None,
    limit: int | None,
    budget: float | None,
    source: str | None,
    seed: int | None,
) -> "Request":
    from extract.transfer.sftp.order import MODES
    from extract.transfer.sftp.pending import ORIGINS
    from flows.backfill_plan import Request

    known_mode = next((word for word in MODES if word == mode), None)
    origin = next((word for word in ORIGINS if word == source), None)
    if known_mode is None:
        fail(f"--mode {mode} is none of {', '.join(MODES)}", 2)
    if source is not None and origin is None:
        fail(f"--source {source} is none of {', '.join(ORIGINS)}", 2)
    if first and last and last < first:
        fail(f"--to {last:%Y-%m-%d} lies before --from {first:%Y-%m-%d}", 2)
    if seed is not None and mode != "random_day":
        fail("--seed belongs to --mode random_day", 2)
    if limit is not None and limit < 1:
        fail(f"--limit {limit}: at least one file", 2)
    if budget is not None and not budget > 0:
        fail(f"--budget {budget:g}: a number of seconds above 0", 2)
    return Request(
        stations=_stations(station),
        mode=known_mode,
        first=first.date() if first else None,
        last=last.date() if last else None,
        limit=limit or settings.backfill.limit,
        budget_s=budget or settings.backfill.budget_s,
        origin=origin,
        seed=seed,
    )


def _stations(word: str) -> tuple["Station", ...]:
    from extract.transfer.stations import UnknownStationError, find_station, read_stations

    network = read_stations()
    if word.strip().lower() == ALL:
        return tuple(one for number, one in sorted(network.items()) if one.is_enabled and number != 0)
    try:
        station = find_station(word, network)
    except UnknownStationError as error:
        fail(f"{error}, or {ALL}", 2)
    if not station.is_enabled:
        fail(f"{station.station_code} is disabled (is_enabled in seeds/station.csv)", 2)
    return (station,)


def _supplies(settings: Settings, request: "Request") -> "dict[int, StationSupply]":
    from extract.transfer.sftp.pending import KIND_OF
    from extract.transfer.sftp.supply import open_supplies

    if request.origin == "landing":
        return {}
    try:
        supplies = open_supplies(settings, request.stations, request.origin, has_force_hld=request.has_force_hld)
    except ConfigurationError as error:
        fail(str(error), 2)
    if request.origin is not None and not supplies:
        codes = [station.station_code for station in request.stations]
        code = codes[0] if len(codes) == 1 else "<CODE>"
        fail(f"--source {request.origin}: set acquire.stations.{code}.{KIND_OF[request.origin]} in {config_file()}", 2)
    return supplies


def _show(outcome: Outcome, keys: list[str], columns: list[str], is_json: bool) -> None:
    """Print the counts by station and day, and what failed."""
    if is_json:
        return
    days = outcome.detail["days"]
    rows = [[f"{row[key] / 1e6:.1f}" if key == "n_bytes" else row[key] for key in keys] for row in days[:SHOWN_DAYS]]
    if len(days) > SHOWN_DAYS:
        rows.append([f"{len(days) - SHOWN_DAYS} more", *([None] * (len(keys) - 1))])
    if rows:
        print_table("By station and day", columns, rows, right_from=2)
    if outcome.detail["problems"]:
        print_table("Failed", ["what", "why"], outcome.detail["problems"], right_from=2)
