"""The chain timed step by step: each step in a process of its own, in a scratch folder, with its peak memory."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from warehouse.paths import PROJECT_ROOT

STEPS = ("simulate", "extract", "transform", "publish", "extract again", "transform again")


@dataclass(frozen=True)
class StepTiming:
    """Wall seconds of a step, events over seconds, and the largest process of this and all earlier steps (MiB)."""

    step: str
    seconds: float
    events_per_s: float
    peak_mib: float


def chain_timings(days: int, stations: Sequence[int], rate_hz: float) -> Iterator[StepTiming]:
    """Simulate a network and bring it to the published file; then show what a run with nothing to do costs."""
    with TemporaryDirectory(prefix="mingo-bench-") as folder:
        words = ",".join(str(number) for number in stations)
        simulate = ["simulate", "--days", str(days), "--stations", words, "--rate-hz", str(rate_hz)]
        n_events: int | None = None
        timings = []
        for step in STEPS:
            arguments = simulate if step == "simulate" else [step.split(" ")[0]]
            seconds = _run(arguments, Path(folder))
            peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            timings.append((step, seconds, peak_mib))
            if step == "extract":
                n_events = _count_events(Path(folder))
        for step, seconds, peak_mib in timings:
            yield StepTiming(step, seconds, (n_events or 0) / seconds, peak_mib)
        chain_s = sum(seconds for step, seconds, _ in timings if step in ("extract", "transform", "publish"))
        yield StepTiming("raw to published", chain_s, (n_events or 0) / chain_s, max(peak for *_, peak in timings))


def _run(arguments: list[str], data_dir: Path) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=PROJECT_ROOT,
        env=os.environ | {"MINGO_DATA_DIR": str(data_dir)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def _count_events(data_dir: Path) -> int:
    files = data_dir / "lake" / "raw_file" / "station=*" / "*" / "*.parquet"
    row = duckdb.sql(f"select sum(n_events) from read_parquet('{files}')").fetchone()
    assert row is not None
    return int(row[0])
