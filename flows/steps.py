"""The steps of the data's way as plain functions: what the command line and Prefect both call.

Each takes the settings, does one arrow, and says what became of it in an `Outcome`. None raises for bad data.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from extract.daq.extract import extract_landing
from extract.daq.logbook import extract_logbook
from extract.era5.extract import extract_era5
from extract.lab.extract import extract_lab
from extract.nmdb.extract import extract_nmdb
from extract.transfer.local import acquire_local
from extract.transfer.stations import read_stations
from flows.outcome import Outcome, State, worst
from warehouse import build
from warehouse.dbt import Progress
from warehouse.export import export
from warehouse.lock import LockBusyError, held
from warehouse.publish import PublishError
from warehouse.publish import publish as publish_build
from warehouse.settings import Settings
from warehouse.transform import TransformResult
from warehouse.transform import transform as transform_lake

OnFile = Callable[[int, int, str], None]


def _seconds(start: float) -> str:
    return f"{time.monotonic() - start:.1f} s"


def _state(done: int, failed: int) -> State:
    if failed:
        return "Partial" if done else "Failed"
    return "Completed" if done else "NothingToDo"


def acquire(
    settings: Settings,
    files: Sequence[Path],
    *,
    kind: str | None = None,
    station: str | None = None,
    on_file: OnFile | None = None,
) -> Outcome:
    """Bring local files into landing."""
    start = time.monotonic()
    summary = acquire_local(files, settings.paths.landing, kind=kind, station=station, on_progress=on_file)
    refused = sum(summary.rejected.values())
    sentence = f"{summary.fetched} files landed in {_seconds(start)}; {summary.skipped} already there, {refused} refused"
    return Outcome("acquire", _state(summary.fetched, refused), sentence, asdict(summary))
