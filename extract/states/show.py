"""All that is known of one source file: where it lies, what was read of it, what was rejected, what was tried."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from extract.daq.name import SUFFIXES, BadNameError, parse_name
from extract.daq.schema import RAW_FILE, RAW_REJECT
from extract.daq.store import EVENT_DATASETS
from extract.provenance import ENV_FILE, ENV_REJECT
from extract.states.raw_rows import raw_path
from extract.states.state import FileState
from extract.transfer.sidecar import sidecar_path
from warehouse.lake import read_footer

FIRST_LINES = 3
"""Rejected lines shown of each reason."""

TEXT_LENGTH = 120


def call(word: str) -> str:
    """The name a file goes by: the base name of a detector file called by id, path, name or base name."""
    name = word.strip().rstrip("/").rpartition("/")[2]
    if name.isdecimal() and len(name) in (11, 12):
        name = f"mi0{name.zfill(12)}"
    for suffix in ("", *SUFFIXES):
        try:
            return parse_name(f"{name}.dat" if not suffix else name).base_name
        except BadNameError:
            continue
    return name


def describe(landing: Path, lake: Path, file: FileState) -> dict[str, Any]:
    """Landing files with their sidecars, lake files with their footers, rows, and rejects by reason."""
    landed = [_landed(landing, source_file) for source_file in file.sources]
    if file.kind in ("dat", "hld") and file.station_id is not None and file.name.startswith("mi0"):
        return {"landing": landed, **_detector(lake, file.station_id, file.name)}
    return {"landing": landed, **_environment(lake, file)}


def _landed(landing: Path, source_file: str) -> dict[str, Any]:
    path = landing / source_file
    facts: dict[str, Any] = {"source_file": source_file}
    try:
        stat = path.stat()
        facts |= {"size_bytes": stat.st_size, "modified_s": stat.st_mtime}
        content = json.loads(sidecar_path(path).read_bytes())
        facts["sidecar"] = content if isinstance(content, dict) else None
    except FileNotFoundError:
        facts["sidecar"] = None
    except ValueError:
        facts["sidecar"] = "not readable"
    return facts


def _detector(lake: Path, station_id: int, name: str) -> dict[str, Any]:
    folder = Path(raw_path(lake, station_id, name)).parent
    paths = {
        dataset.name: sorted((lake / dataset.name).joinpath(*folder.parts[-2:]).glob(f"{name}-*.parquet"))
        for dataset in (RAW_FILE, *EVENT_DATASETS)
    }
    return {
        "lake": [_lake_file(lake, path) for found in paths.values() for path in found],
        "rows": _query("select * from read_parquet(?, hive_partitioning = false)", paths[RAW_FILE.name]),
        "rejects": _rejects(paths[RAW_REJECT.name], "fragment_number, "),
    }


def _environment(lake: Path, file: FileState) -> dict[str, Any]:
    station = "*" if file.station_id is None else f"station={file.station_id}"
    paths = {
        dataset.name: [
            path
            for path in sorted((lake / dataset.name).glob(f"{station}/*/*.parquet"))
            if path.name.startswith(f"{file.name}-")
        ]
        for dataset in (ENV_FILE, ENV_REJECT)
    }
    return {
        "lake": [_lake_file(lake, path) for found in paths.values() for path in found],
        "rows": _query("select * from read_parquet(?, hive_partitioning = false)", paths[ENV_FILE.name]),
        "rejects": _rejects(paths[ENV_REJECT.name]),
    }


def _lake_file(lake: Path, path: Path) -> dict[str, Any]:
    try:
        footer = read_footer(path)
    except (OSError, ValueError):
        footer = {"damaged": "not a Parquet file"}
    return {"path": path.relative_to(lake).as_posix(), "size_bytes": path.stat().st_size, **footer}


def _rejects(paths: list[Path], second_key: str = "") -> list[dict[str, Any]]:
    """Rejects by reason: how many, and the first lines with their text."""
    return _query(
        "select reason, count(*) as n,"
        f" list(struct_pack(line_number, detail, line_text := left(line_text, {TEXT_LENGTH}))"
        f" order by line_number, {second_key}reason)[:{FIRST_LINES}] as first_lines"
        " from read_parquet(?, hive_partitioning = false) group by reason order by n desc, reason",
        paths,
    )


def _query(sql: str, paths: list[Path]) -> list[dict[str, Any]]:
    if not paths:
        return []
    with duckdb.connect() as connection:
        try:
            answer = connection.execute(sql, [[str(path) for path in paths]])
            names = [column[0] for column in answer.description or []]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        except duckdb.Error as error:
            return [{"damaged": str(error).splitlines()[0]}]


def facts_of(file: FileState) -> dict[str, Any]:
    """A file as one object for scripts."""
    return asdict(file)
