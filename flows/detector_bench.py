"""What the detector's way costs: processor time of each dbt node, told apart by step, by event and by run.

A file is simulated or taken, extracted, and built with one thread in a scratch folder. A small file is built the same
way first: what a node needs for it, it needs for any file.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatch
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from extract.daq.extract import extract_landing
from extract.daq.logbook import extract_logbook
from extract.transfer.local import acquire_local
from flows.node_clock import Run, run_timed
from simulate.config import DEMO_START, NetworkConfig, StationConfig
from simulate.logbook import write_logbook
from simulate.network import Job, detector_file
from simulate.rate import file_spans
from warehouse import dbt
from warehouse.paths import Paths

TINY_EVENTS = 1_000  # the simulator makes no file shorter than a minute
RATE_HZ = 10.0
ONE_THREAD = {"MINGO_DUCKDB_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
BUILD = [
    "build",
    *("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"),
    *("--select", "+path:models/marts/detector"),
]

PER_RUN = "file facts, work lists, constants"
FITS = "fits"
SEEDS = "seeds and views"
OTHER = "other"

# The first pattern that fits a SQL model names its step; what no pattern knows counts as event-level, as `other`.
STEPS: dict[str, tuple[str, ...]] = {
    "diagnostics": (
        *("fct_file_quality*", "int_file_track*", "int_file_plane*", "int_file_event_counter", "int_time_scan*"),
    ),
    "live time": ("int_file_second", "int_file_span", "int_second", "int_minute_file", "fct_minute_live"),
    "minutes": ("fct_minute_*", "int_hour_pattern", "fct_plane_efficiency"),
    "cleaning": ("int_hit", "int_event_clean", "fct_channel_status"),
    "calibration statistics": ("int_cal_hit", "int_cal_histogram_*", "int_cal_front_back", "int_cal_link*"),
    PER_RUN: (
        *("dim_*", "int_raw_file", "int_file_*", "fct_file", "int_parameter_*", "int_station_*"),
        *("int_cal_*", "fct_cal*", "int_calibration_*", "int_plane_set", "int_plane_pool_rule"),
        *("int_day_*", "int_*_day_todo"),
    ),
    "strip hits": ("int_strip_hit*",),
    "plane hits": ("int_plane_hit*", "int_event_topology"),
    "track": ("int_track*", "fct_track"),
}
ORDER = (
    "cleaning",
    "calibration statistics",
    "strip hits",
    "plane hits",
    "track",
    "live time",
    "minutes",
    "diagnostics",
    OTHER,
)


class BenchError(Exception):
    """A step of the measurement did not work; the message says which and why."""


@dataclass(frozen=True)
class NodeCost:
    """Processor seconds of one dbt node, for the files measured and for a small file (``fixed_s``)."""

    name: str
    step: str
    seconds: float
    fixed_s: float


@dataclass(frozen=True)
class StepCost:
    """A row of the table.

    ``us_per_event`` is all its time over the events; ``us_beyond_fixed`` the slope between the small file and the
    measured ones, what each further event costs. ``share`` is of the event-level SQL, or None outside it.
    """

    step: str
    n_nodes: int
    seconds: float
    fixed_s: float
    us_per_event: float
    us_beyond_fixed: float
    share: float | None = None


@dataclass(frozen=True)
class DetectorCost:
    """The whole measurement.

    ``cpu_s`` and ``wall_s`` are of the whole build, on a processor and on the clock; ``peak_mib`` is of its largest
    process.
    """

    source: str
    n_files: int
    n_events: int
    n_tiny_events: int
    nodes: list[NodeCost]
    cpu_s: float
    wall_s: float
    peak_mib: float
    is_added: bool

    @property
    def steps(self) -> list[StepCost]:
        """The steps of the event-level SQL, whose shares add up to 1."""
        return with_shares([self._step(step, [n for n in self.nodes if n.step == step]) for step in self._present])

    @property
    def total(self) -> StepCost:
        """All event-level SQL."""
        return replace(self._step("total", [n for n in self.nodes if n.step in ORDER]), share=1.0)

    @property
    def rest(self) -> list[StepCost]:
        """What is not event-level SQL: fits, what is done once a file or run, and dbt itself."""
        found = [self._step(step, [n for n in self.nodes if n.step == step]) for step in (FITS, PER_RUN, SEEDS)]
        own_s = max(self.cpu_s - sum(node.seconds for node in self.nodes), 0.0)
        return [*found, StepCost("dbt start and end", 0, own_s, own_s, own_s * 1e6 / self.n_events, 0.0)]

    @property
    def fits_s_per_file(self) -> float:
        """Seconds of the Python nodes for each file measured."""
        return sum(node.seconds for node in self.nodes if node.step == FITS) / self.n_files

    @property
    def _present(self) -> list[str]:
        used = {node.step for node in self.nodes}
        return [step for step in ORDER if step in used]

    def _step(self, name: str, nodes: list[NodeCost]) -> StepCost:
        seconds, fixed_s = sum(n.seconds for n in nodes), sum(n.fixed_s for n in nodes)
        slope = (seconds - fixed_s) * 1e6 / max(self.n_events - self.n_tiny_events, 1)
        return StepCost(name, len(nodes), seconds, fixed_s, seconds * 1e6 / self.n_events, slope)


def with_shares(steps: Sequence[StepCost]) -> list[StepCost]:
    """The rows with each one's share of the seconds of all."""
    total = sum(step.seconds for step in steps)
    return [replace(step, share=step.seconds / total if total else 0.0) for step in steps]


def step_of(name: str, kind: str, language: str, materialization: str) -> str:
    """The step a dbt node belongs to."""
    if language == "python":
        return FITS
    if kind != "model" or materialization == "view":
        return SEEDS
    return next((step for step, patterns in STEPS.items() if any(fnmatch(name, p) for p in patterns)), OTHER)


def detector_cost(
    file: Path | None = None, n_events: int = 50_000, n_files: int = 1, repeats: int = 1, *, is_added: bool = False
) -> DetectorCost:
    """Build the detector's tables of ``n_files`` simulated files, or of ``file``, with one thread.

    Parameters
    ----------
    repeats
        Builds of the measured files; of each node the shortest time counts, of memory the highest.
    is_added
        Add the files to tables that hold a file already, as every day does, instead of building new ones.

    Raises
    ------
    BenchError
        When the file cannot be taken or dbt fails.
    """
    with TemporaryDirectory(prefix="mingo-bench-") as folder:
        paths = Paths(Path(folder) / "data")
        n_tiny = _simulate(paths, TINY_EVENTS, 1, day=0)
        if is_added:
            _build(paths)
            _simulate(paths, TINY_EVENTS, 1, day=1)
        fixed = _shortest(_repeat(paths, repeats))
        if not is_added:
            _empty(paths)
        before = _count_events(paths) if is_added else 0
        if file is None:
            n_measured = _simulate(paths, n_events, n_files, day=2) - before
        else:
            n_measured, n_files = _take(paths, file) - before, 1
        runs = _repeat(paths, repeats)
        nodes = [
            NodeCost(name, step, seconds, fixed[name][1] if name in fixed else 0.0)
            for name, (step, seconds) in _shortest(runs).items()
        ]
        fastest = min((built.run for built in runs), key=lambda run: run.cpu_s)
        return DetectorCost(
            source=file.name if file else "simulated",
            n_files=n_files,
            n_events=n_measured,
            n_tiny_events=n_tiny,
            nodes=nodes,
            cpu_s=fastest.cpu_s,
            wall_s=fastest.wall_s,
            peak_mib=max(built.run.peak_mib for built in runs),
            is_added=is_added,
        )


@dataclass(frozen=True)
class Built:
    """One dbt build: step and processor seconds of each node by name, and the whole."""

    nodes: dict[str, tuple[str, float]]
    run: Run


def _repeat(paths: Paths, repeats: int) -> list[Built]:
    """Build several times, each time from the present state of the tables."""
    before = paths.data_dir / "before.duckdb"
    is_new = not paths.build.exists()
    if not is_new:
        shutil.copyfile(paths.build, before)
    runs = []
    for _ in range(repeats):
        if is_new:
            paths.build.unlink(missing_ok=True)
        else:
            shutil.copyfile(before, paths.build)
        runs.append(_build(paths))
    return runs


def _shortest(runs: list[Built]) -> dict[str, tuple[str, float]]:
    """Step and shortest seconds of each node."""
    return {name: (step, min(run.nodes[name][1] for run in runs)) for name, (step, _) in runs[0].nodes.items()}


def _build(paths: Paths) -> Built:
    """Build with dbt on one thread."""
    log = paths.data_dir / "dbt.out"
    run = run_timed(dbt.call(paths, BUILD), ONE_THREAD, paths.dbt_target / "run_results.json", log)
    if run.exit_code:
        errors = [line.strip() for line in log.read_text().splitlines() if "rror" in line]
        raise BenchError(f"dbt failed: {errors[0] if errors else 'no reason given'}")
    manifest = dbt.read_manifest(paths)["nodes"]
    nodes = {}
    for node in run.nodes:
        facts = manifest[f"{node.kind}.mingo.{node.name}"]
        step = step_of(node.name, node.kind, facts.get("language", "sql"), facts["config"]["materialized"])
        nodes[node.name] = (step, node.cpu_s)
    return Built(nodes, run)


def _simulate(paths: Paths, n_events: int, n_files: int, day: int) -> int:
    """Land and extract files of about ``n_events`` events each; returns the events now in the lake."""
    file_s = n_events / RATE_HZ
    station = StationConfig(
        station_id=0,
        rate_hz=RATE_HZ,
        offsets="random",
        self_trigger_hz=0.0,
        beta_pct_per_hpa=0.0,
        alpha_pct_per_k=0.0,
        gamma_pct_per_pct=0.0,
    )
    config = NetworkConfig(
        stations=(station,),
        start=DEMO_START + timedelta(days=day),
        days=ceil(n_files * file_s / 86_400),
        seed=1,
        file_hours=file_s / 3600,
    )
    for span in file_spans(config, station)[:n_files]:
        detector_file(Job(config, station, span, paths.landing, paths.truth), span)
    write_logbook(config, station, paths.landing)
    return _extract(paths)


def _take(paths: Paths, file: Path) -> int:
    """Land and extract a file; returns the events now in the lake."""
    summary = acquire_local([file], paths.landing, kind="dat")
    for item in summary.items:
        if item.outcome == "rejected":
            raise BenchError(f"{file.name}: {item.reason}: {item.detail}")
    return _extract(paths)


def _extract(paths: Paths) -> int:
    extract_logbook(paths.landing, paths.lake)
    summary = extract_landing(paths.landing, paths.lake)
    if summary.failures:
        raise BenchError(f"{summary.failures[0][0]}: {summary.failures[0][1]}")
    return _count_events(paths)


def _count_events(paths: Paths) -> int:
    files = paths.lake / "raw_file" / "station=*" / "*" / "*.parquet"
    row = duckdb.sql(f"select sum(n_events) from read_parquet('{files}') where is_current").fetchone()
    assert row is not None
    return int(row[0] or 0)


def _empty(paths: Paths) -> None:
    """Forget the small file: its landing, lake and tables. The parsed project stays."""
    for folder in (paths.landing, paths.lake):
        shutil.rmtree(folder)
    paths.build.unlink()
