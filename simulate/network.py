"""The whole network: every landing file as acquisition would leave it, and the truth beside it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa

from simulate.config import NetworkConfig, StationConfig
from simulate.environment import generator, make_weather
from simulate.era5 import write_era5
from simulate.file import base_name, compose_file
from simulate.lab import write_logs
from simulate.landing import SUFFIX, land, pack, utc
from simulate.logbook import write_logbook
from simulate.nmdb import write_nmdb
from simulate.rate import FileSpan, event_times, file_spans, self_trigger_times
from simulate.trigger import through_going_share
from simulate.truth import calibration_truth, hour_table, station_offsets, station_table, write_truth_table

Progress = Callable[[int, int], None]
Row = dict[str, object]


@dataclass(frozen=True)
class SimulationSummary:
    """What was written: detector files, their events (accepted rows) and bytes, and the other files by source."""

    n_files: int
    n_events: int
    n_rejects: int
    n_bytes: int
    n_logs: int
    n_era5: int
    n_nmdb: int


@dataclass(frozen=True)
class Job:
    """One detector file (``span``) or the environment files of one station (no span)."""

    config: NetworkConfig
    station: StationConfig
    span: FileSpan | None
    landing: Path
    truth: Path


def detector_file(job: Job, span: FileSpan) -> Row:
    """Simulate and land one detector file; returns its truth row."""
    config, station = job.config, job.station
    rng = generator(config, "file", station.station_id, span.begin_s)
    times = event_times(rng, station, make_weather(config, station), span)
    self_times = self_trigger_times(rng, station, span)
    first = int(min([*times[:1].tolist(), *self_times[:1].tolist()], default=span.begin_s))
    start = utc(max(span.begin_s, first - int(rng.integers(0, 9))))
    file = compose_file(
        rng,
        station,
        station_offsets(config, station),
        times,
        name=base_name(station.station_id, start),
        self_times_s=self_times,
        defect_share=config.defect_share,
    )
    modified = utc(span.end_s)
    name = f"{file.base_name}.dat{SUFFIX[config.container]}"
    content = pack(file.content, f"{file.base_name}.dat", config.container, modified)
    land(
        job.landing / "dat" / f"station={station.station_id}" / f"{start:%Y-%m}" / name,
        content,
        source="dat",
        host=f"mingo0{station.station_id}",
        remote_path=f"data/{name}",
        modified_at=modified,
        fetched_at=modified + timedelta(minutes=15),
    )
    if config.event_truth:
        path = job.truth / "event" / f"station={station.station_id}" / f"{file.base_name}.parquet"
        write_truth_table(path, file.truth())
    return {
        "station_id": station.station_id,
        "base_name": file.base_name,
        "start_time": start,
        "file_size_bytes": len(content),
        **file.summary(),
    }


def environment_files(job: Job) -> Row:
    """Land logs, reanalysis and logbook of a station; returns counts and the share of through-going muons."""
    logs = write_logs(job.config, job.station, job.landing)
    answers = write_era5(job.config, job.station, job.landing)
    write_logbook(job.config, job.station, job.landing)
    table = [
        {
            "station_id": log.station_id,
            "kind": log.kind,
            "name": log.name,
            "n_lines": log.n_lines,
            "n_rejects": log.n_rejects,
        }
        for log in logs
    ]
    return {"log": table, "n_era5": len(answers), "through": through_going_share(job.station, job.config.seed)}


def run_job(job: Job) -> Row:
    """Do one job (also in a worker process)."""
    return environment_files(job) if job.span is None else detector_file(job, job.span)


@contextmanager
def _mapper(workers: int) -> Iterator[Callable[[list[Job]], Iterator[Row]]]:
    if workers <= 1:
        yield lambda jobs: map(run_job, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield lambda jobs: pool.map(run_job, jobs)


def simulate_network(
    config: NetworkConfig,
    landing: Path,
    truth: Path,
    *,
    on_progress: Progress | None = None,
    workers: int = 1,
) -> SimulationSummary:
    """Write the landing files of a network and their truth.

    Parameters
    ----------
    on_progress
        Called with (jobs done, all jobs) after each job.
    workers
        Processes; the files are the same whatever their number. With more than one, the calling program must be an
        importable module or script (processes are spawned).
    """
    jobs = [Job(config, station, None, landing, truth) for station in config.stations]
    jobs += [Job(config, s, span, landing, truth) for s in config.stations for span in file_spans(config, s)]
    rows: list[Row] = []
    with _mapper(workers) as run:
        for row in run(jobs):
            rows.append(row)
            if on_progress is not None:
                on_progress(len(rows), len(jobs))
    n_nmdb = len(write_nmdb(config, landing))
    environment, files = rows[: len(config.stations)], rows[len(config.stations) :]
    logs = [line for row in environment for line in _list(row["log"])]
    through = {s.station_id: _float(row["through"]) for s, row in zip(config.stations, environment, strict=True)}
    file_table = pa.Table.from_pylist(files)
    write_truth_table(truth / "file.parquet", file_table)
    write_truth_table(truth / "log.parquet", pa.Table.from_pylist(logs))
    write_truth_table(truth / "station.parquet", station_table(config, through, file_table))
    write_truth_table(truth / "calibration.parquet", calibration_truth(config))
    write_truth_table(truth / "hour.parquet", hour_table(config))
    return SimulationSummary(
        n_files=len(files),
        n_events=int(np.sum(file_table["n_events"].to_numpy())),
        n_rejects=int(np.sum(file_table["n_rejects"].to_numpy())),
        n_bytes=int(np.sum(file_table["file_size_bytes"].to_numpy())),
        n_logs=len(logs),
        n_era5=sum(_int(row["n_era5"]) for row in environment),
        n_nmdb=n_nmdb,
    )


def _list(value: object) -> list[Row]:
    assert isinstance(value, list)
    return value


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _float(value: object) -> float:
    assert isinstance(value, float)
    return value
