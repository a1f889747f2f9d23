"""For contributors: test, bench, docs."""

import subprocess
import sys
from pathlib import Path

import typer

from flows.commands.detector_cost import detector_outcome, show_detector_cost
from flows.commands.options import JSON, load
from flows.console import fail, finish, out, print_table, progress
from warehouse.paths import PROJECT_ROOT

bench_app = typer.Typer(help="Measure speed as ratios within one run.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(bench_app, name="bench")
    app.command()(docs)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(test)


def test(context: typer.Context) -> None:
    """Run all checks and tests; what follows is handed to pytest instead.

    Example: mingo test, or mingo test tests/unit -k parser
    """
    from flows.checks import run_checks

    if context.args:
        raise typer.Exit(subprocess.run([sys.executable, "-m", "pytest", *context.args], cwd=PROJECT_ROOT).returncode)
    raise typer.Exit(run_checks())


@bench_app.command()
def kernel(
    files: list[Path] | None = typer.Argument(
        None, help="Detector files beside the generated one.", metavar="[FILE...]"
    ),
    repeats: int = typer.Option(7, min=1, help="Runs of each reader, in turns; medians are compared."),
) -> None:
    """Time the ASCII kernel against pandas.read_csv on the same files in one run.

    Example: mingo bench kernel mi0125161000000.dat.gz
    """
    from extract.daq.bench import bench_kernel

    rows = [
        [t.source, f"{t.n_rows:,}", f"{t.kernel_s:.3f}", f"{t.pandas_s:.3f}", f"{t.ratio:.2f}", f"{t.rows_per_s:,.0f}"]
        for t in bench_kernel(files or [], repeats)
    ]
    columns = ["file", "rows", "kernel (s)", "pandas (s)", "ratio", "events/s"]
    print_table("Text to Arrow with every check against pandas.read_csv, one core, medians", columns, rows)


@bench_app.command()
def hld(
    file: Path | None = typer.Argument(None, help="An HLD file instead of simulated events.", metavar="[FILE]"),
    events: int = typer.Option(50_000, min=1_000, help="Simulated events."),
    repeats: int = typer.Option(7, min=1, help="Runs of each reader, in turns; medians are compared."),
) -> None:
    """Time HLD against the text of the same events, both to Arrow tables with every check, in one run.

    Example: mingo bench hld, or mingo bench hld mi0125161000000.hld.tar.gz
    """
    from flows.hld_bench import NoEventsError, bench_hld

    try:
        t = bench_hld(file, events, repeats)
    except (OSError, NoEventsError) as error:
        fail(str(error))
    rows = [
        [
            f"{t.source}, {form}",
            f"{t.n_events:,}",
            f"{size / 1e6:.1f}",
            f"{seconds:.3f}",
            f"{t.n_events / seconds:,.0f}",
        ]
        for form, size, seconds in (("HLD", t.n_hld_bytes, t.hld_s), ("text", t.n_text_bytes, t.text_s))
    ]
    title = (
        f"To Arrow with every check, processor time, medians; HLD takes {t.hld_s / t.text_s:.2f} times as long as text"
    )
    print_table(title, ["events", "number", "MB", "seconds", "events/s"], rows)


@bench_app.command()
def acquire(
    files: int = typer.Option(1_000, min=1, help="Files to fetch."),
    events: int = typer.Option(100, min=1, help="Rows of each file, 662 bytes a row."),
    stations: int = typer.Option(1, min=1, max=4, help="Stations the files are of, asked at the same time."),
    json: bool = JSON,
) -> None:
    """Fetch many small files over loopback from OpenSSH's server, beside its own clients: speed, memory, connections.

    Example: mingo bench acquire --files 1000
    """
    from flows.acquire_bench import AcquireBenchError, bench_acquire
    from flows.commands.acquire_cost import acquire_outcome, show_acquire_cost
    from simulate.openssh import OpenSshError

    try:
        with progress("acquire", "clients", json) as on_step:
            cost = bench_acquire(files, events, stations, on_step)
    except (AcquireBenchError, OpenSshError) as error:
        fail(str(error))
    if not json:
        show_acquire_cost(cost)
    finish(acquire_outcome(cost), json)


@bench_app.command()
def chain(
    days: int = typer.Option(14, min=1, help="Days of the simulated network."),
    stations: str = typer.Option("1,2,3,4", help="Station numbers."),
    rate_hz: float = typer.Option(0.2, min=0.01, help="Trigger rate of each station, Hz."),
) -> None:
    """Time simulate, extract, transform and publish of a simulated network in a scratch folder.

    Example: mingo bench chain --days 14
    """
    from flows.benchmarks import chain_timings

    numbers = [int(word) for word in stations.split(",")]
    rows = [
        [t.step, f"{t.seconds:.1f}", f"{t.events_per_s:,.0f}", f"{t.peak_mib:,.0f}"]
        for t in chain_timings(days, numbers, rate_hz)
    ]
    print_table("Chain, raw text to published tables", ["step", "seconds", "events/s", "peak memory (MiB)"], rows)


@bench_app.command()
def detector(
    file: Path | None = typer.Argument(None, help="A detector file instead of simulated ones.", metavar="[FILE]"),
    events: int = typer.Option(50_000, min=2_000, help="Events of each simulated file."),
    files: int = typer.Option(1, min=1, help="Simulated files."),
    repeats: int = typer.Option(1, min=1, help="Builds; of each node the shortest counts."),
    add: bool = typer.Option(
        False, "--add", help="Add to tables that hold a file already, instead of building new ones."
    ),
    nodes: bool = typer.Option(False, "--nodes", help="Also show every node."),
    json: bool = JSON,
) -> None:
    """Time the detector's tables of one file step by step, on one thread, with the share of each step.

    Example: mingo bench detector --events 50000, or mingo bench detector mi0025161000000.dat.gz --nodes
    """
    from flows.detector_bench import BenchError, detector_cost

    if file is not None and not file.is_file():
        fail(f"{file}: no such file", 2)
    try:
        cost = detector_cost(file, events, files, repeats, is_added=add)
    except BenchError as error:
        fail(str(error))
    if not json:
        show_detector_cost(cost, has_nodes=nodes)
    finish(detector_outcome(cost), json)


@bench_app.command()
def closure(
    seeds: int = typer.Option(20, min=1, help="Networks, one after the other."),
    years: float = typer.Option(2.0, min=0.5, help="Years of hours of each."),
    stations: str = typer.Option("1,2,3,4", help="Station numbers."),
    json: bool = JSON,
) -> None:
    """Correct simulated years and hold coefficients and corrected rates against the truth.

    Example: mingo bench closure --seeds 20 --years 2
    """
    from flows.closure import closure as run_closure
    from flows.commands.closure import closure_outcome, show_closure
    from flows.corrections_home import CorrectionsError

    try:
        with progress("closure", "networks", json) as on_step:
            result = run_closure(seeds, years, tuple(int(word) for word in stations.split(",")), on_step)
    except CorrectionsError as error:
        fail(str(error))
    if not json:
        show_closure(result)
    finish(closure_outcome(result), json)


@bench_app.command()
def pressure(
    days: int = typer.Option(60, min=45, help="Days of hours of each case."),
    seed: int = typer.Option(3, min=0, help="Seed of the simulation."),
    json: bool = JSON,
) -> None:
    """Fit the barometric coefficient of the same hours by three methods: clean, in a gap, and worse.

    Example: mingo bench pressure
    """
    from flows.commands.closure import methods_outcome, show_methods
    from flows.corrections_home import CorrectionsError
    from flows.method_bench import compare_methods

    try:
        with progress("methods", "steps", json) as on_step:
            rows = compare_methods(days, seed, on_step)
    except CorrectionsError as error:
        fail(str(error))
    if not json:
        show_methods(rows)
    finish(methods_outcome(rows), json)


@bench_app.command()
def corrections(
    years: float = typer.Option(2.0, min=0.1, help="Years of hours."),
    stations: str = typer.Option("1,2,3,4", help="Station numbers."),
    nodes: int = typer.Option(15, min=1, help="How many of the slowest nodes to show."),
    json: bool = JSON,
) -> None:
    """Time a build of the corrections from scratch, seeds and data tests included, node by node.

    Example: mingo bench corrections --years 2
    """
    from flows.commands.closure import cost_outcome, show_cost
    from flows.corrections_bench import corrections_cost
    from flows.corrections_home import CorrectionsError

    try:
        cost = corrections_cost(years, tuple(int(word) for word in stations.split(",")))
    except CorrectionsError as error:
        fail(str(error))
    if not json:
        show_cost(cost, nodes)
    finish(cost_outcome(cost), json)


def docs(
    sources: bool = typer.Option(
        False, "--sources", help="Only rewrite models/staging/sources.yml from the dataset declarations."
    ),
) -> None:
    """Make the data dictionary: one HTML page with every table, column and unit.

    Example: mingo docs
    """
    from flows.documentation import build_docs, write_sources

    if sources:
        out.print(f"docs: wrote {write_sources()}", highlight=False)
        return
    page = build_docs(load())
    if page is None:
        fail("dbt could not make the docs; run `mingo doctor`")
    out.print(f"docs: {page}", highlight=False)
