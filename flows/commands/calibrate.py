"""Looking at calibration constants: show, compare, drift."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import typer

from flows.commands.options import JSON, find_station_id, load
from flows.console import fail, finish, out, print_table
from flows.outcome import Outcome
from warehouse.lock import LockBusyError
from warehouse.look import calibration
from warehouse.look.build_file import LookError, find_file, opened
from warehouse.settings import Settings

calibrate_app = typer.Typer(help="Look at the calibration constants of files and stations.", no_args_is_help=True)

DAY = ["%Y-%m-%d"]
STATUS_STYLES = {
    "fresh": "green",
    "fresh_outlier": "red",
    "neighbour": "yellow",
    "reference": "magenta",
    "none": "bold red",
    "no_peak": "cyan",
}
SHORT_NAMES = {
    "q_pedestal_front_ns": "q front",
    "q_pedestal_back_ns": "q back",
    "t_dif_offset_ns": "t dif",
    "t_sum_offset_ns": "t sum",
    "crosstalk_limit_ns": "crosstalk",
}
NOTABLE_SIGMA = 4.0


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(calibrate_app, name="calibrate")


@contextmanager
def looking(settings: Settings, command: str, is_json: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file to read from; what is not there is one line, a busy writer `Skipped`."""
    try:
        with opened(settings, command) as connection:
            yield connection
    except LockBusyError as error:
        finish(Outcome(command, "Skipped", f"{error}; try again when it has ended"), is_json)
    except LookError as error:
        fail(str(error))


@calibrate_app.command()
def show(
    file: str | None = typer.Option(None, help="File id or name."),
    station: str | None = typer.Option(None, help="Station code or number, together with --date."),
    day: datetime | None = typer.Option(None, "--date", formats=DAY, help="Day on which files of the station start."),
    json: bool = JSON,
) -> None:
    """Show the constants of the 16 strips of a file with their status; of a day, its files and the last one's strips.

    Example: mingo calibrate show --file mi0125062120000, or mingo calibrate show --station MINGO01 --date 2025-03-03
    """
    if (file is None) == (station is None or day is None):
        fail("say which file: --file ID, or --station CODE --date YYYY-MM-DD", 2)
    settings = load()
    station_id = find_station_id(station) if station else 0
    with looking(settings, "calibrate", json) as connection:
        files = None if file or day is None else calibration.read_day(connection, station_id, day.date())
        file_id = find_file(connection, file) if file else int(files["file_id"][-1]) if files is not None else 0
        found = calibration.read_file(connection, file_id)
    if not json:
        if files is not None and files.height > 1:
            _print_files(files)
        _print_strips(found)
    statuses = [found.strips[name].to_list() for name in sorted(set(calibration.CONSTANTS.values()))]
    n_fresh = sum(status == "fresh" for column in statuses for status in column)
    n_usable = int(found.strips["is_usable"].sum())
    sentence = (
        f"{found.facts['base_name']}: {n_usable} of {found.strips.height} strips usable,"
        f" {n_fresh} of {sum(map(len, statuses))} constants from the file itself"
    )
    detail = {"file": found.facts, "strips": found.strips.to_dicts()}
    if files is not None:
        detail["files"] = files.to_dicts()
    finish(Outcome("calibrate", "Completed", sentence, detail), json)


def styled(status: str | None) -> str | None:
    """A status in its colour."""
    return None if status is None else f"[{STATUS_STYLES.get(status, 'default')}]{status}[/]"


def number(value: float | None, form: str = ".3f") -> str | None:
    """A number as a person reads it, None as it is."""
    return None if value is None else f"{value:{form}}"


def _print_files(files: pl.DataFrame) -> None:
    statuses = [status for status in calibration.STATUSES if files[f"n_{status}"].sum()]
    rows = [
        [
            row["file_id"],
            f"{row['start_time']:%H:%M:%S}",
            f"{row['n_events']:,}",
            *(f"[{STATUS_STYLES[s]}]{row[f'n_{s}']}[/]" for s in statuses),
            f"{row['n_neighbours_before']} + {row['n_neighbours_after']}",
            row["n_links"],
            number(row["link_rms_ps"], ".0f"),
        ]
        for row in files.iter_rows(named=True)
    ]
    columns = ["file", "start (UTC)", "events", *statuses, "neighbours", "links", "link rms (ps)"]
    print_table(
        f"Constants of the files of {files.item(0, 'start_time'):%Y-%m-%d} by status", columns, rows, right_from=2
    )


def _print_strips(found: calibration.FileCalibration) -> None:
    facts, strips = found.facts, found.strips
    before, after = strips["n_neighbours_before"].max(), strips["n_neighbours_after"].max()
    title = (
        f"{facts['base_name']} (file {facts['file_id']}), configuration {_word(facts['conf_number'])},"
        f" {facts['n_events']:,} events, neighbours {_word(before)} before and {_word(after)} after (ns)"
    )
    columns = ["strip", "q front", "q back", "status", "t dif", "status", "t sum", "± ps", "status"]
    columns += ["front-back", "crosstalk", "status", "two-ended", "links"]
    rows = [
        [
            f"P{row['plane']} S{row['strip']}",
            number(row["q_pedestal_front_ns"]),
            number(row["q_pedestal_back_ns"]),
            styled(row["q_status"]),
            number(row["t_dif_offset_ns"], "+.3f"),
            styled(row["t_dif_status"]),
            number(row["t_sum_offset_ns"], "+.3f"),
            number(row["t_sum_sigma_ps"], ".0f"),
            styled(row["t_sum_status"]),
            f"{styled(row['fb_status'])} {_word(row['q_fb_degree'])}",
            number(row["crosstalk_limit_ns"]),
            styled(row["crosstalk_status"]),
            f"{row['n_two_ended']:,}",
            row["n_links"],
        ]
        for row in strips.iter_rows(named=True)
    ]
    print_table(title, columns, rows)
    words = {
        name: _word(facts[name])
        for name in ("n_links", "link_rms_ps", "n_components", "t_sum_gauge", "crt_corrected_ps")
    }
    out.print(
        "  time sums: {n_links} links in {n_components} part(s), rms {link_rms_ps} ps, gauge {t_sum_gauge};"
        " coincidence resolution {crt_corrected_ps} ps".format(**words),
        highlight=False,
    )
    if facts["detail"]:
        out.print(f"  fits: {facts['detail']}", style="yellow", highlight=False, markup=False)


def _word(value: object) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


@calibrate_app.command()
def compare(
    file: str = typer.Argument(help="File id or name."),
    other: str | None = typer.Argument(None, help="Second file; without it the neighbours' medians.", metavar="[FILE]"),
    every: bool = typer.Option(False, "--all", help="Print all constants, not only those that stand out."),
    json: bool = JSON,
) -> None:
    """Compare a file's own fits with another file's, or with the medians of its neighbours.

    Example: mingo calibrate compare mi0125062120000 mi0125062000000, or mingo calibrate compare 125062120000
    """
    settings = load()
    with looking(settings, "calibrate", json) as connection:
        file_id = find_file(connection, file)
        if other is None:
            rows = calibration.compare_neighbours(connection, file_id)
            against = "the medians of its neighbours"
        else:
            other_id = find_file(connection, other)
            rows = calibration.compare_files(connection, file_id, other_id)
            against = f"file {other_id}"
    outside = pl.col("is_outside").fill_null(False) if "is_outside" in rows.columns else pl.lit(False)
    notable = rows.filter((pl.col("significance").abs() > NOTABLE_SIGMA) | outside | pl.col("value_ns").is_null())
    if not json:
        _print_summary(rows, f"File {file_id} minus {against}, by constant (ns)")
        shown = rows if every else notable
        if not shown.is_empty():
            _print_differences(shown, "All constants" if every else "What stands out")
    n_outside = rows.filter(outside).height
    sentence = f"{notable.height} of {rows.height} constants stand out against {against}" + (
        f", {n_outside} beyond the outlier guard" if n_outside else ""
    )
    detail = {"file_id": file_id, "against": against, "n_notable": notable.height, "rows": rows.to_dicts()}
    finish(Outcome("calibrate", "Completed", sentence, detail), json)


def _print_summary(rows: pl.DataFrame, title: str) -> None:
    compared = rows.drop_nulls("difference_ns").group_by("constant", maintain_order=True)
    table = compared.agg(
        n=pl.len(),
        middle=pl.col("difference_ns").median(),
        rms=(pl.col("difference_ns") ** 2).mean().sqrt(),
        largest=pl.col("difference_ns").get(pl.col("difference_ns").abs().arg_max()),
        scatter=pl.col("scatter_ns").median(),
    )
    lines = [
        [SHORT_NAMES[name], n, *(number(value, "+.4f") for value in (middle, rms, largest)), number(scatter, ".4f")]
        for name, n, middle, rms, largest, scatter in table.iter_rows()
    ]
    print_table(title, ["constant", "strips", "median", "rms", "largest", "usual scatter"], lines)


def _print_differences(rows: pl.DataFrame, title: str) -> None:
    columns = [
        "constant",
        "strip",
        "status",
        "own fit (ns)",
        "other (ns)",
        "difference",
        "scatter",
        "sigmas",
        "neighbours",
    ]
    lines = [
        [
            SHORT_NAMES[row["constant"]],
            f"P{row['plane']} S{row['strip']}",
            styled(row["status"]),
            number(row["value_ns"], ".4f") or "no fit",
            number(row["other_ns"], ".4f"),
            number(row["difference_ns"], "+.4f"),
            number(row["scatter_ns"], ".4f"),
            _sigmas(row["significance"], is_outside=bool(row.get("is_outside"))),
            row["n_neighbours"],
        ]
        for row in rows.iter_rows(named=True)
    ]
    print_table(title, columns, lines, right_from=3)


def _sigmas(value: float | None, *, is_outside: bool) -> str | None:
    text = number(value, "+.1f")
    return f"[bold red]{text or 'outside'}[/]" if is_outside else text


@calibrate_app.command()
def drift(
    station: str = typer.Option(..., help="Station code or number."),
    first: datetime = typer.Option(..., "--from", formats=DAY, help="First day."),
    last: datetime = typer.Option(..., "--to", formats=DAY, help="Last day."),
    constant: str | None = typer.Option(None, help="One constant: " + ", ".join(calibration.CONSTANTS) + "."),
    figure: Path | None = typer.Option(None, help="Also draw them against time: a .png, .svg or .html file."),
    json: bool = JSON,
) -> None:
    """Show how the constants of a station move from day to day, as daily medians over its files.

    Example: mingo calibrate drift --station MINGO01 --from 2025-03-01 --to 2025-03-31 --figure drift.png
    """
    settings, station_id = load(), find_station_id(station)
    _check_drift(first.date(), last.date(), constant, figure)
    with looking(settings, "calibrate", json) as connection:
        days = calibration.read_drift(connection, station_id, first.date(), last.date())
        points = calibration.read_points(connection, station_id, first.date(), last.date())
    if constant is not None:
        days, points = (frame.filter(pl.col("constant") == constant) for frame in (days, points))
    summary = calibration.summarise_drift(days)
    if not json:
        _print_drift(summary)
        if constant is not None:
            _print_days(days, constant)
    n_days = days["day"].n_unique()
    sentence = f"{len(summary)} constants of station {station_id} over {n_days} {'day' if n_days == 1 else 'days'}"
    if figure is not None:
        from warehouse.report.calibration_figure import drift_figure

        drift_figure(f"Station {station}", first.date(), last.date(), points, days).save(figure)
        sentence += f"; {figure}"
    finish(Outcome("calibrate", "Completed", sentence, {"days": days.to_dicts(), "summary": summary.to_dicts()}), json)


def _check_drift(first: date, last: date, constant: str | None, figure: Path | None) -> None:
    if last < first:
        fail(f"--to {last} lies before --from {first}", 2)
    if constant is not None and constant not in calibration.CONSTANTS:
        fail(f"unknown constant '{constant}'; known are {', '.join(calibration.CONSTANTS)}", 2)
    if figure is not None:
        check_ending(figure)


def check_ending(figure: Path) -> None:
    """Refuse a figure of an unknown kind before anything is read."""
    from warehouse.report.figure import FIGURE_ENDINGS

    if figure.suffix.lower() not in FIGURE_ENDINGS:
        fail(f"{figure}: a figure ends with {', '.join(FIGURE_ENDINGS)}", 2)


def _print_drift(summary: pl.DataFrame) -> None:
    rows = [
        [
            SHORT_NAMES[row["constant"]],
            row["n_days"],
            row["n_files"],
            number(row["mad_ns"], ".4f"),
            number(row["largest_change_ns"], "+.4f") if row["n_days"] > 1 else None,
            number(row["largest_step_ns"], "+.4f"),
            None if row["largest_step_ns"] is None else f"P{row['step_plane']} S{row['step_strip']}, {row['step_day']}",
        ]
        for row in summary.iter_rows(named=True)
    ]
    columns = ["constant", "days", "files", "MAD in a day (ns)", "largest change, first to last day"]
    print_table("Daily medians", [*columns, "largest step", "where"], rows)


def _print_days(days: pl.DataFrame, constant: str) -> None:
    wide = days.with_columns(strip=pl.format("P{}S{}", "plane", "strip")).pivot("strip", index="day", values="median")
    rows = [[day, *(number(value, ".2f") for value in values)] for day, *values in wide.sort("day").iter_rows()]
    print_table(f"{constant}, daily medians (ns)", wide.columns, rows)
