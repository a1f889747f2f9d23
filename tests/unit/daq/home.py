"""A data folder with landing and lake for the tests of the extraction."""

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from extract.daq.extract import DaqSummary, extract_landing
from extract.daq.sample import random_values, write_rows
from warehouse.lake import SCHEMA_FILE

CLOCK = {"extracted_at"}


class Home:
    """A data folder with a landing to fill and a lake to look at."""

    def __init__(self, folder: Path) -> None:
        self.landing, self.lake = folder / "landing", folder / "lake"

    def land(self, name: str, content: bytes, *, age_s: float = 0, station_id: int = 1, month: str = "2025-06") -> Path:
        path = self.landing / ("hld" if ".hld" in name else "dat") / f"station={station_id}" / month / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        moment = 1_749_600_000 - age_s
        os.utime(path, (moment, moment))
        return path

    def run(self, **options: Any) -> DaqSummary:
        return extract_landing(self.landing, self.lake, **options)

    def files(self) -> dict[str, tuple[int, int, int]]:
        """Identity of every file of the lake: a second run must not touch one of them."""
        found = (path for path in self.lake.rglob("*") if path.is_file())
        return {path.relative_to(self.lake).as_posix(): self._identity(path) for path in found}

    def _identity(self, path: Path) -> tuple[int, int, int]:
        stat = path.stat()
        return stat.st_ino, stat.st_size, stat.st_mtime_ns

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of the lake by file, without the time of the extraction."""
        return {
            path.relative_to(self.lake).as_posix(): [
                {name: value for name, value in row.items() if name not in CLOCK}
                for row in pq.ParquetFile(path).read().to_pylist()
            ]
            for path in sorted(self.lake.rglob("*.parquet"))
            if path.name != SCHEMA_FILE
        }

    def raw_files(self) -> list[dict[str, Any]]:
        return [row for name, rows in self.rows().items() if name.startswith("raw_file/") for row in rows]

    def names(self, dataset: str) -> list[str]:
        return [name for name in self.rows() if name.startswith(f"{dataset}/")]

    def current(self) -> dict[str, Any]:
        rows = [row for row in self.raw_files() if row["is_current"]]
        assert len(rows) == 1
        return rows[0]


def counts(summary: DaqSummary) -> tuple[int, int]:
    assert not summary.failures
    return sum(s.n_done for s in summary.stations), sum(s.n_skipped for s in summary.stations)


def text(n_rows: int, seed: int = 1) -> bytes:
    return write_rows(random_values(n_rows, seed), 1_749_564_207 + np.arange(n_rows) // 10)


def tar_gz(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
