"""Publishing: a finished, verified copy of the tables people read, swapped in atomically.

An open reader keeps the old file to its end; a new one sees the new file. Nobody but the publisher writes there.
"""

import logging
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse import build, dbt
from warehouse.files import sync_file, sync_folder
from warehouse.lock import held
from warehouse.relation import ORDER_COLUMNS, Relation, published_relations
from warehouse.settings import Settings
from warehouse.transform import build_lock

LOGGER = logging.getLogger(__name__)

SCHEMA_VERSION = 2
PUBLICATION_COMMENTS = {
    "publication_id": "Identifier of this publication",
    "published_at": "Time of the publication, UTC",
    "build_id": "Identifier of the build it was made from",
    "code_version": "Hash of the models, macros, seeds and fits that made the tables",
    "schema_version": "Rises with any change of a published column",
    "duckdb_version": "Version of DuckDB that wrote the file",
    "storage_version": "DuckDB storage version of the file",
    "data_start_at": "Start of the first published bin, UTC",
    "data_end_at": "End of the last published bin, UTC",
    "n_warnings": "Number of data tests that warned in the build",
}


class PublishError(Exception):
    """Nothing was published; readers keep the former file. The message is one line with the reason."""


@dataclass(frozen=True)
class PublishResult:
    """What a publication did. ``is_current``: the last good build is published already."""

    is_current: bool
    publication_id: str = ""
    rows: dict[str, int] | None = None
    size_bytes: int = 0


def publish(settings: Settings, *, wait_s: float | None = None) -> PublishResult:
    """Publish the last good build.

    Raises
    ------
    PublishError
        When there is no good build or the copy does not hold what it should.
    LockBusyError
        When another run held the build file for the whole waiting time.
    """
    paths = settings.paths
    wait = settings.transform.wait_s if wait_s is None else wait_s
    with held(build_lock(settings), "publish", wait), held(paths.data_dir / "publish.lock", "publish", wait):
        info = build.read_info(paths.build)
        if info is None:
            raise PublishError("there is no finished build; run `mingo transform` first")
        if not info.is_publishable:
            raise PublishError(
                "tests of the last build failed; `mingo transform` names them, readers keep the former file"
            )
        relations = published_relations(dbt.read_manifest(paths), has_counts=settings.export.large_table_full)
        is_same_build = published_word(paths.serving, "build_id") == info.build_id
        if is_same_build and _has_all(paths.serving, [relation.name for relation in relations if relation.is_optional]):
            return PublishResult(is_current=True)
        for left_over in paths.data_dir.glob("serving.duckdb.new-*"):
            left_over.unlink()
        new = paths.data_dir / f"serving.duckdb.new-{os.getpid()}"
        try:
            rows = _write_copy(paths.build, new, relations, info, settings.publish.storage_version)
            _verify(new, relations, rows)
            publication_id = published_word(new, "publication_id") or ""
            _swap_in(new, paths.serving, paths.serving_previous)
        except (OSError, duckdb.IOException) as error:
            reason = str(error).splitlines()[0]
            raise PublishError(f"nothing was published, readers keep the former file: {reason}") from None
        finally:
            new.unlink(missing_ok=True)
        if settings.publish.grafana_copy:
            _copy_for_grafana(paths.serving, paths.data_dir / "grafana" / "serving.duckdb")
        return PublishResult(False, publication_id, rows, paths.serving.stat().st_size)


def roll_back(settings: Settings) -> None:
    """Put the publication before the present one back; the two change places.

    Raises
    ------
    PublishError
        When there is none.
    """
    paths = settings.paths
    with held(paths.data_dir / "publish.lock", "publish --rollback", settings.transform.wait_s):
        if not paths.serving_previous.exists():
            raise PublishError("there is no former publication to go back to")
        aside = paths.data_dir / f"serving.duckdb.new-{os.getpid()}"
        os.link(paths.serving_previous, aside)
        _swap_in(aside, paths.serving, paths.serving_previous)


def published_word(serving: Path, column: str) -> str | None:
    """A word of the one-row table `publication`; None when there is no readable published file."""
    if not serving.exists():
        return None
    try:
        with duckdb.connect(str(serving), read_only=True) as connection:
            row = connection.execute(f"select {column} from publication").fetchone()
    except duckdb.Error:
        return None
    return str(row[0]) if row else None


def _has_all(serving: Path, names: list[str]) -> bool:
    with duckdb.connect(str(serving), read_only=True) as connection:
        found = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
    return found >= set(names)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _write_copy(
    source: Path, new: Path, relations: list[Relation], info: build.BuildInfo, storage_version: str
) -> dict[str, int]:
    """Write every relation with its comments, tables ordered as they are read; return the rows of each."""
    rows: dict[str, int] = {}
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {_text(str(source))} as build (read_only)")
        connection.execute(f"attach {_text(str(new))} as serving (storage_version {_text(storage_version)})")
        connection.execute("use serving")
        for relation in relations:
            columns = [row[0] for row in connection.execute(f"describe build.main.{relation.name}").fetchall()]
            kind = _create(connection, relation, columns)
            connection.execute(f"comment on {kind} {relation.name} is {_text(relation.description)}")
            for column in columns:
                comment = relation.comment(column)
                connection.execute(f'comment on column {relation.name}."{column}" is {_text(comment)}')
            counted = connection.execute(f"select count(*) from build.main.{relation.name}").fetchone()
            rows[relation.name] = int(counted[0]) if counted else 0
        _write_publication(connection, info, storage_version)
        connection.execute("checkpoint serving")
        connection.execute("use memory")
        connection.execute("detach serving")
    return rows


def _create(connection: duckdb.DuckDBPyConnection, relation: Relation, columns: list[str]) -> str:
    """Make the relation in the serving file; a view stays one where the file holds all it reads. Returns its kind."""
    view = connection.execute(
        "select sql from duckdb_views() where database_name = 'build' and view_name = ?", [relation.name]
    ).fetchone()
    if view is not None and relation.may_be_view:
        connection.execute(view[0].replace("build.main.", "main."))
        return "view"
    order = [name for name in ORDER_COLUMNS if name in columns]
    order_by = f" order by {', '.join(order)}" if order else ""
    connection.execute(f"create table {relation.name} as select * from build.main.{relation.name}{order_by}")
    return "table"


def _write_publication(connection: duckdb.DuckDBPyConnection, info: build.BuildInfo, storage_version: str) -> None:
    published_at = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        """
        create table serving.main.publication as
        select
            ?::varchar as publication_id,
            ?::timestamp as published_at,
            ?::varchar as build_id,
            ?::varchar as code_version,
            ?::integer as schema_version,
            version() as duckdb_version,
            ?::varchar as storage_version,
            min(bin_start) as data_start_at,
            max(bin_start + to_seconds(bin_width_s)) as data_end_at,
            ?::integer as n_warnings
        from serving.main.large_corrected_table
        """,
        [
            f"{published_at:%Y%m%dT%H%M%SZ}-{info.build_id[-6:]}",
            published_at,
            info.build_id,
            build.code_fingerprint(),
            SCHEMA_VERSION,
            storage_version,
            info.n_warnings,
        ],
    )
    connection.execute("comment on table serving.main.publication is 'One row that describes this publication'")
    for column, comment in PUBLICATION_COMMENTS.items():
        connection.execute(f"comment on column serving.main.publication.{column} is {_text(comment)}")


def _verify(new: Path, relations: list[Relation], rows: dict[str, int]) -> None:
    """Open the new file as a reader would and compare it with its source."""
    if new.with_name(new.name + ".wal").exists():
        raise PublishError("the new file kept a write-ahead log; nothing was published")
    with duckdb.connect(str(new), read_only=True) as connection:
        for relation in relations:
            counted = connection.execute(f"select count(*) from {relation.name}").fetchone()
            if counted is None or counted[0] != rows[relation.name]:
                raise PublishError(f"{relation.name} has {counted} rows, its source {rows[relation.name]}")
            connection.execute(f"select * from {relation.name} limit 1").fetchall()
        bare = connection.execute(
            "select table_name || '.' || column_name from duckdb_columns()"
            " where not internal and coalesce(comment, '') = '' order by 1"
        ).fetchall()
        if bare:
            raise PublishError(
                f"{len(bare)} published columns lack a description, first {bare[0][0]}; document them in models/"
            )


def _swap_in(new: Path, serving: Path, previous: Path) -> None:
    sync_file(new)
    if serving.exists():
        aside = previous.with_name(previous.name + ".tmp")
        aside.unlink(missing_ok=True)
        os.link(serving, aside)
        aside.replace(previous)
    new.replace(serving)
    sync_folder(serving.parent)
    os.utime(serving)  # Grafana's plugin reads a file again when it is newer than its load


def _copy_for_grafana(serving: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    new = copy.with_name(f"{copy.name}.new-{os.getpid()}")
    shutil.copyfile(serving, new)
    sync_file(new)
    new.replace(copy)
    sync_folder(copy.parent)
