"""Writing the exports that changed, all or none of them, then the manifest."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from warehouse.export import words
from warehouse.export.family import Target, targets
from warehouse.files import sha256_of_file, sync_file, sync_folder, write_json
from warehouse.lock import held
from warehouse.settings import Settings

MANIFEST = "manifest.json"
TEMPORARY = ".*.tmp.*"


class ExportError(Exception):
    """Nothing was exported; former files and manifest stay. The message is one line with the reason."""


@dataclass
class ExportResult:
    """Paths (relative) written, left untouched because nothing changed, and removed because their rows are gone."""

    written: list[str] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def export(settings: Settings) -> ExportResult:
    """Write the exports that changed, then the manifest.

    The fingerprint of a file (rows, sum of row hashes, form of the columns) decides, with the versions of DuckDB and of
    the schema. Files are written beside their places first and put there when all are complete.

    Raises
    ------
    ExportError
        When the folder cannot be written, or the disk is full.
    LockBusyError
        When another run exports.
    """
    folder = settings.paths.export
    with (
        held(settings.paths.locks / "export.lock", "export", settings.transform.wait_s),
        duckdb.connect(str(settings.paths.serving), read_only=True) as connection,
    ):
        connection.execute("set TimeZone = 'UTC'")
        try:
            return _export(connection, settings, folder)
        except (OSError, duckdb.IOException) as error:
            reason = str(error).splitlines()[0]
            raise ExportError(f"no export was written, the former files stay in {folder}: {reason}") from None


def _export(connection: duckdb.DuckDBPyConnection, settings: Settings, folder: Path) -> ExportResult:
    before = _read_manifest(folder)
    schema_version, duckdb_version, code_version = connection.execute(
        "select schema_version, duckdb_version, code_version from publication"
    ).fetchall()[0]
    versions = {"schema_version": schema_version, "duckdb_version": duckdb_version}
    old = before.get("files", {}) if before.items() >= versions.items() else {}
    wanted = list(targets(connection, settings))
    terms = words.terms(connection)
    files: dict[str, Any] = {}
    result = ExportResult()
    with _replacing_all(folder) as replacement:
        for target in wanted:
            if _is_unchanged(folder / target.path, target, old.get(target.path, {})):
                files[target.path] = old[target.path]
                result.untouched.append(target.path)
                continue
            temporary = replacement(target.path)
            rows = _render(connection, target, temporary, terms)
            files[target.path] = {
                "sha256": sha256_of_file(temporary),
                "bytes": temporary.stat().st_size,
                "rows": rows,
                "start_at": target.start_at,
                "end_at": target.end_at,
                "schema_version": schema_version,
                "code_version": code_version,
                "fingerprint": target.fingerprint,
            }
            result.written.append(target.path)
        dictionary = words.column_dictionary(connection, sorted({target.family.table for target in wanted}))
        for name, content in (("columns.csv", dictionary), ("README.md", words.readme(terms))):
            if not (folder / name).exists() or (folder / name).read_bytes() != content:
                replacement(name).write_bytes(content)
    result.removed = sorted(set(before.get("files", {})) - set(files))
    for name in result.removed:
        _remove(folder, name)
    if result.written or result.removed or not (folder / MANIFEST).exists():
        gone = sorted({*before.get("removed", []), *result.removed} - set(files))
        write_json(folder / MANIFEST, versions | {"code_version": code_version, "removed": gone, "files": files})
    return result


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return manifest


def _is_unchanged(path: Path, target: Target, old: dict[str, Any]) -> bool:
    return old.get("fingerprint") == target.fingerprint and path.exists() and path.stat().st_size == old["bytes"]


@contextmanager
def _replacing_all(folder: Path) -> Iterator[Any]:
    """Yield a function that gives a temporary name for a file; all of them take their places together at the end.

    An error before that removes them, and nothing has changed. Left-overs of a killed run go first.
    """
    for left_over in folder.rglob(TEMPORARY):
        left_over.unlink()
    temporaries: dict[Path, Path] = {}

    def temporary_of(name: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporaries[path] = path.with_name(f".{path.name}.tmp.{os.getpid()}")
        return temporaries[path]

    try:
        yield temporary_of
        for temporary in temporaries.values():
            sync_file(temporary)
        for path, temporary in temporaries.items():
            temporary.replace(path)
        for parent in sorted({path.parent for path in temporaries}):
            sync_folder(parent)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)


def _render(connection: duckdb.DuckDBPyConnection, target: Target, path: Path, terms: dict[str, str]) -> int:
    """Write a file and return its rows."""
    if target.family.is_parquet:
        kept = "\n\n".join(terms[source] for source in target.family.terms if source in terms)
        options = "format parquet, compression zstd" + (f", kv_metadata {{terms: {_quoted(kept)}}}" if kept else "")
    else:
        options = "format csv, header, timestampformat '%Y-%m-%d %H:%M:%S'"
    row = connection.execute(f"copy ({target.query}) to {_quoted(os.fspath(path))} ({options})").fetchone()
    assert row is not None
    return int(row[0])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _remove(folder: Path, name: str) -> None:
    """Remove a file and the folders it leaves empty."""
    path = folder / name
    path.unlink(missing_ok=True)
    for parent in path.parents:
        if parent == folder or any(parent.iterdir()):
            return
        parent.rmdir()
