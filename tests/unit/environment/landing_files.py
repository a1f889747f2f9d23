"""Putting files into a test's landing folder, with or without sidecar, and reading the lake back."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from extract.transfer.sidecar import Sidecar, write_sidecar
from warehouse.lake import list_files

FETCHED_AT = datetime(2025, 2, 8, 12, 0)


def put(
    path: Path, content: bytes, fetched_at: datetime | None = FETCHED_AT, request: dict[str, Any] | None = None
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if fetched_at is not None:
        write_sidecar(
            path,
            Sidecar(
                source="test",
                host="test",
                remote_path=path.name,
                size=len(content),
                file_sha256=hashlib.sha256(content).hexdigest(),
                fetched_at=fetched_at,
                request=request or {},
            ),
        )
    return path


def read_lake(lake: Path, dataset: Any) -> list[dict[str, Any]]:
    """All rows of a dataset in the order of the file names, each file checked against the declaration."""
    tables = [pq.read_table(path, partitioning=None) for path in list_files(lake, dataset)]
    for table in tables:
        dataset.check(table.replace_schema_metadata(None))
    return pa.concat_tables(tables).to_pylist() if tables else []
