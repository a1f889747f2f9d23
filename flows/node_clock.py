"""Processor time of each dbt node: dbt tells when a node ran, the kernel how much its process had worked by then.

On a machine that does other things as well, wall time measures the others too; processor time does not.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from warehouse.dbt import Call

SAMPLE_S = 0.002


@dataclass(frozen=True)
class Span:
    """A node's times: seconds on a processor and on the clock."""

    name: str
    kind: str
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Run:
    """A finished process: its nodes, its own times, s, and the largest memory of it or a child of it, MiB."""

    exit_code: int
    nodes: list[Span]
    cpu_s: float
    wall_s: float
    peak_mib: float


def run_timed(call: Call, variables: Mapping[str, str], results: Path, log: Path) -> Run:
    """Run dbt, with more environment variables, and read what each node of ``results`` (its `run_results.json`) cost.

    Output goes to ``log``.

    The process is waited for by hand, because that tells its memory from that of others.
    """
    results.unlink(missing_ok=True)
    start = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            call.command,
            cwd=call.folder,
            env=call.environment | dict(variables),
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        samples: list[tuple[float, float]] = []
        watcher = threading.Thread(target=_watch, args=(process.pid, samples), daemon=True)
        watcher.start()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        watcher.join()
        _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    nodes = node_spans(results, samples) if results.exists() else []
    exit_code = process.returncode = os.waitstatus_to_exitcode(status)
    return Run(exit_code, nodes, usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024)


def _watch(pid: int, samples: list[tuple[float, float]]) -> None:
    """Note (Unix time, processor seconds) of a process until it ends; its clock is asked as clock_getcpuclockid(3)."""
    clock = (~pid << 3) | 2
    while True:
        try:
            samples.append((time.time(), time.clock_gettime(clock)))
        except OSError:
            return
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(SAMPLE_S)


def node_spans(results: Path, samples: Sequence[tuple[float, float]]) -> list[Span]:
    """The times of the nodes of a `run_results.json`, given (Unix time, processor seconds) in order of time."""
    times, work = np.array(samples, dtype=np.float64).reshape(-1, 2).T
    spans = []
    for result in json.loads(results.read_text())["results"]:
        bounds = [datetime.fromisoformat(timing[edge]).timestamp() for timing, edge in _edges(result["timing"])]
        cpu_s = float(np.diff(np.interp([min(bounds), max(bounds)], times, work))[0]) if bounds else 0.0
        kind, _, name = result["unique_id"].split(".")[:3]
        spans.append(Span(name, kind, cpu_s, float(result["execution_time"])))
    return spans


def _edges(timings: Sequence[Mapping[str, str]]) -> list[tuple[Mapping[str, str], str]]:
    return [(timing, edge) for timing in timings for edge in ("started_at", "completed_at")]
