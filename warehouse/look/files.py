"""Which detector files the build and the published file hold, and by which lineage."""

from dataclasses import dataclass

import duckdb

from warehouse.lock import LockBusyError
from warehouse.look.build_file import LookError, opened
from warehouse.paths import Paths
from warehouse.settings import Settings

HELD = """
select
    held.file_id, held.content_sha256, held.status, held.lineage_id,
    held.lineage_id is distinct from dim_file.lineage_id as is_lineage_old
from fct_file as held left join dim_file using (file_id)
"""


@dataclass(frozen=True)
class HeldFile:
    """A file of `fct_file`; ``is_lineage_old``: what decides its processing has changed since it was computed."""

    content_sha256: str
    status: str
    lineage_id: str
    is_lineage_old: bool


Held = dict[int, HeldFile]
"""By file_id."""


def published_files(paths: Paths) -> Held:
    """The files of the published file; none where nothing is published yet."""
    if not paths.serving.exists():
        return {}
    try:
        with duckdb.connect(str(paths.serving), read_only=True) as connection:
            return _held(connection)
    except duckdb.Error:
        return {}


def transformed_files(settings: Settings) -> Held | None:
    """The files of the build; None where a run has it, or stopped in the middle of writing. Never waits."""
    if not settings.paths.build.exists():
        return {}
    try:
        with opened(settings, "files", wait_s=0.0) as connection:
            return _held(connection)
    except (LockBusyError, duckdb.IOException):
        return None
    except LookError:
        return None if settings.paths.build.with_name(settings.paths.build.name + ".wal").exists() else {}


def _held(connection: duckdb.DuckDBPyConnection) -> Held:
    rows = connection.execute(HELD).fetchall()
    return {file_id: HeldFile(*facts) for file_id, *facts in rows}
