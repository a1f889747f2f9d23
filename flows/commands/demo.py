"""Trying it out: demo and simulate."""

import shutil

import typer

from flows.commands.options import JSON, load
from flows.console import fail, finish, out, print_table, progress, show
from flows.outcome import Outcome, State
from flows.simulated import UnknownNumberError
from warehouse.settings import Settings

STATIONS = typer.Option("1,2,3,4", help="Station numbers, separated by commas.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)
    app.command()(simulate)


def _numbers(stations: str) -> list[int]:
    try:
        return sorted({int(word) for word in stations.split(",")})
    except ValueError:
        fail(f"'{stations}' is not a list of station numbers such as 1,2,3,4", 2)


def demo(
    days: int = typer.Option(14, min=8, help="Days to simulate; a barometric fit needs at least eight."),
    stations: str = STATIONS,
    keep: bool = typer.Option(
        True, "--keep/--no-keep", help="Keep all files; otherwise the data folder is removed at the end."
    ),
    json: bool = JSON,
) -> None:
    """Simulate a small network with known truth, run everything, publish, write the report, compare with the truth.

    Example: mingo demo --days 14 --stations 1,2
    """
    from flows import demo as work
    from flows import steps

    settings = load()
    numbers = _numbers(stations)
    try:
        is_new = work.claim(settings.paths, days, numbers)
    except work.DemoError as error:
        fail(str(error), 2)
    if is_new:
        with progress("simulate", "files", json) as on_file:
            simulated = work.simulate(settings.paths, days, numbers, on_file)
        if not json:
            show(simulated)
    with progress("extract", "files", json) as on_file, progress("transform", "nodes", json) as on_node:
        outcomes = steps.run(settings, on_file, on_node)
    if not json:
        for outcome in outcomes:
            show(outcome)
    total = steps.summarise(outcomes)
    if total.state in ("Failed", "Partial", "Skipped"):
        finish(Outcome("demo", total.state, total.sentence, total.detail), json)
    _compare(settings, is_new=is_new or total.state != "NothingToDo", is_json=json, keep=keep)


def _compare(settings: Settings, *, is_new: bool, is_json: bool, keep: bool) -> None:
    from flows import demo as work

    rows = work.compare(settings.paths)
    worst = max(abs(pull) for row in rows for pull in row.pulls)
    state: State = "Failed" if worst > work.MAX_PULL else "Completed" if is_new else "NothingToDo"
    if not is_json:
        title = "Recovered (first line) against true (second line, with the difference in sigma)"
        print_table(title, ["", *(row.station_code for row in rows)], work.table_rows(rows))
        for label, path in work.places(settings.paths).items():
            out.print(f"  {label:<10} {path}", highlight=False, markup=False, soft_wrap=True)
    verdict = f"every recovered value within {work.MAX_PULL:.0f} sigma of the truth (largest {worst:.1f})"
    if state == "Failed":
        verdict = f"a recovered value lies {worst:.1f} sigma from the truth"
    elif not is_new:
        verdict = f"nothing to do, everything is as the first run left it; {verdict}"
    if not keep:
        shutil.rmtree(settings.paths.data_dir)
        verdict += "; data folder removed"
    finish(Outcome("demo", state, verdict, {"stations": [vars(row) for row in rows]}), is_json)


def simulate(
    days: float = typer.Option(1.0, min=0.1, help="Days to simulate."),
    stations: str = STATIONS,
    rate_hz: float = typer.Option(12.0, min=0.01, help="Trigger rate of each station, Hz."),
    file_hours: float = typer.Option(0.65, min=0.05, help="Length of a detector file, hours."),
    seed: int = typer.Option(1, help="Equal seeds give equal files."),
    truth_rows: bool = typer.Option(False, "--truth-rows", help="Also write the truth of every event."),
    json: bool = JSON,
) -> None:
    """Simulate a network's inputs into landing, with their truth beside them.

    Example: mingo simulate --days 2 --stations 1 --rate-hz 12
    """
    from flows import demo as work

    settings = load()
    try:
        with progress("simulate", "files", json) as on_file:
            outcome = work.simulate_free(
                settings.paths, days, _numbers(stations), rate_hz, file_hours, seed, truth_rows, on_file
            )
    except UnknownNumberError as error:
        fail(f"--stations: {error}", 2)
    finish(outcome, json)
