"""Building the tables: one dbt run a batch, until no file waits and all tests have been asked."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from warehouse import build, dbt, marks
from warehouse.lake import SCHEMA_FILE
from warehouse.lock import held
from warehouse.settings import Settings

LOGGER = logging.getLogger(__name__)

# Unit tests check the code, not the data: they belong to `mingo test`.
BUILD = ["build", "--exclude-resource-type", "unit_test"]
BATCH = [*BUILD, "--exclude-resource-type", "test", "--select", "+fct_file"]


@dataclass(frozen=True)
class TransformResult:
    """What a transform did. ``is_current`` means that there was nothing to do; ``n_files`` counts newly held files."""

    is_current: bool
    n_batches: int = 0
    n_files: int = 0
    n_waiting: int = 0
    nodes: list[dbt.Node] = field(default_factory=list)
    failed: list[dbt.Node] = field(default_factory=list)
    warned: list[dbt.Node] = field(default_factory=list)
    error: str | None = None


def build_lock(settings: Settings) -> Path:
    """The lock of the build file, held by whoever runs dbt or publishes."""
    return settings.paths.locks / "build.lock"


def transform(
    settings: Settings,
    *,
    redo: marks.Span | None = None,
    wait_s: float | None = None,
    on_node: dbt.Progress | None = None,
) -> TransformResult:
    """Bring the tables up to date with the lake; files of ``redo`` are computed again as if they were new.

    It may be killed at any moment and run again: event tables are replaced by file, `fct_file`, the memory of what is
    held, comes last, and everything after it is rebuilt.

    Raises
    ------
    LockBusyError
        When another run held the build file for the whole waiting time.
    NothingToRedoError
        When no file of ``redo`` is held.
    """
    wait = settings.transform.wait_s if wait_s is None else wait_s
    with held(build_lock(settings), "transform", wait, _say_waiting) as descriptor:
        _finish_dead_child(settings.paths.build)
        if redo is not None:
            marks.forget(settings.paths.build, redo)
        return _transform_locked(settings, descriptor, on_node)


def _say_waiting(holder: str) -> None:
    LOGGER.info("waiting for the build file, held by %s", holder)


def _transform_locked(settings: Settings, descriptor: int, on_node: dbt.Progress | None) -> TransformResult:
    paths, variables = settings.paths, settings.dbt_vars
    fingerprint = build.input_fingerprint(paths, variables)
    info = build.read_info(paths.build)
    if info is not None and info.input_fingerprint == fingerprint and info.is_publishable:
        return TransformResult(is_current=True)

    n_lake = sum(1 for path in (paths.lake / "raw_file").glob("*/*/*.parquet") if path.name != SCHEMA_FILE)
    waiting = max(build.count_new(paths.build, n_lake), build.count_waiting(paths.build) or 0)
    n_start, n_batches = waiting, 0
    while True:
        arguments = BATCH if waiting > settings.transform.max_files else BUILD
        result = dbt.run(
            paths,
            arguments,
            variables=variables,
            memory_limit=settings.transform.memory_limit,
            pass_fds=[descriptor],
            on_node=on_node,
        )
        n_batches += 1
        left = build.count_waiting(paths.build) or 0
        if result.return_code and (not result.failed_nodes or arguments is BATCH):
            return _result(result, n_batches, n_start, left, result.error)
        if result.return_code == 0 and left and left >= waiting:
            return _result(result, n_batches, n_start, left, f"{left} files stay waiting; see int_file_todo")
        waiting = left
        if arguments is BUILD and (left == 0 or result.return_code):
            break
    # The fingerprint of the start: what was extracted meanwhile makes it differ, and the next run takes it in.
    is_good = result.return_code == 0
    build.write_info(paths.build, fingerprint, is_publishable=is_good, n_warnings=len(result.warned_nodes))
    return _result(result, n_batches, n_start, left, result.error)


def _finish_dead_child(path: Path) -> None:
    """Fold the write-ahead log of a killed run into the build file, which read-only openers could not do."""
    if path.with_name(path.name + ".wal").exists():
        duckdb.connect(str(path)).close()


def _result(result: dbt.DbtResult, n_batches: int, n_start: int, left: int, error: str | None) -> TransformResult:
    return TransformResult(
        is_current=False,
        n_batches=n_batches,
        n_files=max(n_start - left, 0),
        n_waiting=left,
        nodes=result.nodes,
        failed=result.failed_nodes,
        warned=result.warned_nodes,
        error=error,
    )
