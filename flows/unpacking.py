"""Unpacking HLD: into the lake, or as the station's text; one file or a thousand, in parallel."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

from extract.daq.extract import extract_landing
from extract.daq.hld.text import UnreadableHldError, hld_to_dat
from extract.daq.landing import list_files, list_stations
from extract.daq.logbook import LogbookSummary
from extract.daq.name import BadNameError
from extract.transfer.local import acquire_local
from flows.attempts import extract_attempts
from flows.outcome import Outcome
from flows.steps import Clock, OnFile, daq_detail, held_back, refused_files, state_of
from warehouse.lock import LockBusyError, held
from warehouse.settings import Settings


def unpack(settings: Settings, files: Sequence[Path] = (), on_file: OnFile | None = None) -> Outcome:
    """Bring the HLD of landing into the lake, after ``files`` were brought into landing."""
    clock = Clock()
    landing, lake = settings.paths.landing, settings.paths.lake
    refused = refused_files(acquire_local(files, landing, kind="hld", on_progress=on_file))
    try:
        with held(settings.paths.locks / "extract.lock", "unpack", settings.transform.wait_s):
            summary = extract_landing(
                landing,
                lake,
                only_hld=True,
                on_progress=on_file,
                workers=settings.extract.workers,
                attempts=extract_attempts(settings.paths),
            )
    except LockBusyError as error:
        return Outcome("unpack", "Skipped", str(error))
    daq = daq_detail(summary, LogbookSummary())
    failures = daq["failures"]
    detail = {"daq": daq, "failures": failures, "refused": refused}
    state = state_of(daq["n_done"], len(failures) + len(refused))
    if state == "NothingToDo":
        return Outcome(
            "unpack", state, f"nothing to do ({daq['n_skipped']} HLD files are in the lake){held_back(daq)}", detail
        )
    sentence = (
        f"{daq['n_done']} files in {clock}: {daq['n_events']:,} events, {daq['n_rejects']:,} rejected;"
        f" {daq['n_skipped']} were there already, {len(failures)} failed, {len(refused)} refused{held_back(daq)}"
    )
    return Outcome("unpack", state, sentence + _without_events(daq["stations"]), detail)


def _without_events(stations: dict[str, dict[str, Any]]) -> str:
    """How many files gave no events, by status, and where to look."""
    counts: dict[str, int] = {}
    for station in stations.values():
        for status, n in station["n_by_status"].items():
            if status not in ("ok", "ok_with_rejects"):
                counts[status] = counts.get(status, 0) + n
    if not counts:
        return ""
    words = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    return f"; without events: {words} (lake/raw_file and lake/raw_reject say why)"


def write_texts(settings: Settings, folder: Path, files: Sequence[Path] = (), on_file: OnFile | None = None) -> Outcome:
    """Write the station's text of ``files``, or of all HLD in landing, into a folder; the lake is left alone."""
    clock = Clock()
    chosen = list(files) or list(_landed(settings.paths.landing))
    failures: list[list[str]] = []
    for n_done, (file, problem) in enumerate(_write_all(chosen, folder, settings.extract.workers), start=1):
        if problem:
            failures.append([str(file), problem])
        if on_file:
            on_file(n_done, len(chosen), file.name)
    n_written = len(chosen) - len(failures)
    state = state_of(n_written, len(failures))
    sentence = f"{n_written} files written to {folder} in {clock}, {len(failures)} failed"
    if not chosen:
        sentence = "nothing to do (no HLD in landing): name files, or bring some with `mingo acquire --local`"
    return Outcome("unpack", state, sentence, {"n_written": n_written, "failures": failures})


def _landed(landing: Path) -> Iterator[Path]:
    for station_id in list_stations(landing):
        for _, versions in sorted(list_files(landing, station_id).groups.items()):
            hld = [file for file in versions if file.name.kind == "hld"]
            if hld:
                yield max(hld, key=lambda file: (file.mtime_ns, file.name.version_number)).path


def _write_all(files: Sequence[Path], folder: Path, workers: int) -> Iterator[tuple[Path, str]]:
    """Each file with what kept it from being written, empty where it was."""
    if workers <= 1 or len(files) <= 1:
        yield from ((file, _write(folder, file)) for file in files)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(files)), mp_context=context) as pool:
        futures = {pool.submit(partial(_write, folder), file): file for file in files}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenExecutor as error:
                yield futures[future], f"{type(error).__name__}: {error}"


def _write(folder: Path, file: Path) -> str:
    try:
        hld_to_dat(file, folder)
    except (OSError, BadNameError, UnreadableHldError) as error:
        return str(error)
    return ""
