"""The state of the build file: what it was built from, and whether it may be published.

The state is a one-row table inside the build file, so that it cannot outlive or contradict it.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.lake import SCHEMA_FILE
from warehouse.paths import PROJECT_ROOT, Paths

SOURCES = ("models", "macros", "seeds", "warehouse/fit")


@dataclass(frozen=True)
class BuildInfo:
    """The last finished build. ``input_fingerprint`` is what it was built from, see `input_fingerprint`."""

    build_id: str
    finished_at: datetime
    input_fingerprint: str
    is_publishable: bool
    n_warnings: int


def code_fingerprint(root: Path = PROJECT_ROOT) -> str:
    """Hash of everything that defines the tables: models, macros, seeds, fits and the dbt project file."""
    digest = hashlib.sha256()
    files = [root / "dbt_project.yml"]
    for folder in SOURCES:
        files += sorted(path for path in (root / folder).rglob("*") if path.suffix in {".sql", ".yml", ".csv", ".py"})
    for path in files:
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def lake_fingerprint(lake: Path) -> str:
    """Hash of the lake's listing (names, sizes, modification times); no file is opened.

    Schema-only files hold no data and are left out: dbt's plugin adds missing ones while a build runs. So are the
    listings of remote folders, which every fetch replaces: by themselves they are no reason to build.
    """
    digest = hashlib.sha256()
    listings = f"{lake / 'remote_file'}/"
    for path in sorted(path for path in lake.rglob("*.parquet") if path.name != SCHEMA_FILE):
        if str(path).startswith(listings):
            continue
        facts = path.stat()
        digest.update(f"{path.relative_to(lake)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def input_fingerprint(paths: Paths, variables: dict[str, Any]) -> str:
    """What a build depends on: the lake's listing, the code and the variables. Equal means nothing to do."""
    text = f"{lake_fingerprint(paths.lake)} {code_fingerprint()} {sorted(variables.items())!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_info(build: Path) -> BuildInfo | None:
    """The state of the build file; None when there is no finished build. The caller holds the lock ``build``."""
    if not build.exists():
        return None
    with duckdb.connect(str(build), read_only=True) as connection:
        if not _has_table(connection, "build_info"):
            return None
        row = connection.execute(
            "select build_id, finished_at, input_fingerprint, is_publishable, n_warnings from build_info"
        ).fetchone()
    return BuildInfo(*row) if row else None


def write_info(build: Path, fingerprint: str, *, is_publishable: bool, n_warnings: int) -> BuildInfo:
    """Record a finished build, in one transaction. The caller holds the lock ``build``."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    info = BuildInfo(f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}", now, fingerprint, is_publishable, n_warnings)
    with duckdb.connect(str(build)) as connection:
        connection.execute(
            "create or replace table build_info as select ?::varchar as build_id, ?::timestamp as finished_at,"
            " ?::varchar as input_fingerprint, ?::boolean as is_publishable, ?::integer as n_warnings",
            [info.build_id, info.finished_at, info.input_fingerprint, info.is_publishable, info.n_warnings],
        )
    return info


def count_waiting(build: Path) -> int | None:
    """Files whose present lineage the tables do not hold yet; None before the first build of `dim_file`."""
    if not build.exists():
        return None
    with duckdb.connect(str(build), read_only=True) as connection:
        if not _has_table(connection, "dim_file"):
            return None
        held = "select file_id, lineage_id from fct_file" if _has_table(connection, "fct_file") else "select null, null"
        row = connection.execute(
            f"select count(*) from (select file_id, lineage_id from dim_file except {held})"
        ).fetchone()
    return int(row[0]) if row else None


def count_new(build: Path, n_lake_files: int) -> int:
    """Upper limit of the files a build has to take in: those in the lake less those in the tables."""
    if not build.exists():
        return n_lake_files
    with duckdb.connect(str(build), read_only=True) as connection:
        row = (
            connection.execute("select count(*) from fct_file").fetchone()
            if _has_table(connection, "fct_file")
            else None
        )
    return n_lake_files - (int(row[0]) if row else 0)


def _has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = connection.execute("select 1 from duckdb_tables() where table_name = ?", [name]).fetchone()
    return found is not None
