"""The SQL of the detector models, compiled once by dbt, to be run on a handful of rows made by a test."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.conftest import ROOT
from warehouse.parse_cache import keep_parse, kept_parse

SEEDS = ("tt_label", "angular_ring", "strip_geometry")
FOLDERS = ("models/intermediate/detector", "models/marts/detector")
FILE_ID = 125_161_000_000
Rows = Iterable[Mapping[str, Any]]


class Models:
    """A DuckDB in memory that plays the warehouse: a test puts in the inputs of a model and reads what it makes."""

    def __init__(self, compiled: Path) -> None:
        self.connection = duckdb.connect()
        self._compiled = compiled
        for seed in SEEDS:
            self.connection.execute(f"create table {seed} as from read_csv('{ROOT / 'seeds' / seed}.csv')")
        general = pl.read_csv(ROOT / "seeds" / "detector_parameter.csv").filter(pl.col("station_id").is_null())
        self._parameters = dict(zip(general["parameter"], general["value"].cast(pl.Float64), strict=True))
        self.set_parameters()

    def set_parameters(self, file_ids: Iterable[int] = (FILE_ID,), **changed: float) -> None:
        """Parameters of all files and stations: the general ones of the seed, some of them changed."""
        parameters = self._parameters | changed
        self.put("int_file_parameter", [{"file_id": file_id, "station_id": 1, **parameters} for file_id in file_ids])
        self.put("dim_detector_parameter", [{"station_id": 1, **parameters}])
        self.put("int_file_todo", [{"file_id": file_id, "lineage_id": "a"} for file_id in file_ids])

    def put(self, table: str, rows: Rows | pl.DataFrame) -> None:
        """Make a table of rows."""
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(list(rows), infer_schema_length=None)
        self.connection.register("made_rows", frame)
        self.connection.execute(f"create or replace table {table} as from made_rows")
        self.connection.unregister("made_rows")

    def has(self, table: str) -> bool:
        """True when the table was put in or made."""
        return (table,) in self.connection.execute("select table_name from duckdb_tables()").fetchall()

    def put_file(self, file_id: int = FILE_ID, z: tuple[float, ...] = (0, 150, 300, 450), **known: Any) -> None:
        """`dim_file` with one file."""
        triggers = known.pop("triggers", (12, 23, 34, 13))
        self.put(
            "dim_file",
            [
                {"file_id": file_id, "station_id": 1, "phi_north_deg": 0.0}
                | {f"z_plane_{plane}_mm": float(height) for plane, height in enumerate(z, start=1)}
                | {f"trigger_{k}": (*triggers, None, None, None, None)[k - 1] for k in range(1, 5)}
                | known
            ],
        )

    def put_plane_hits(self, events: Mapping[int, Mapping[int, tuple[float, ...]]], z: tuple[float, ...]) -> None:
        """Plane hits by event and plane: x, y, t and, where not the usual ones, three errors; planes at heights z."""
        rows: list[dict[str, Any]] = []
        topology: list[dict[str, Any]] = []
        for event_number, planes in events.items():
            event = {"file_id": FILE_ID, "event_number": event_number}
            for plane, values in planes.items():
                x, y, t, sigma_x, sigma_y, sigma_t = (*values, 15.0, 15.0, 0.35)[:6]
                rows.append(
                    event
                    | {"plane": plane, "x_mm": x, "y_mm": y, "t_ns": t}
                    | {"sigma_x_mm": sigma_x, "sigma_y_mm": sigma_y, "sigma_t_ns": sigma_t}
                )
            mask = sum(1 << (plane - 1) for plane in planes)
            topology.append(event | {"n_planes": len(planes), "hit_mask": mask})
        self.put("int_plane_hit", rows)
        self.put("int_event_topology", topology)
        self.put_file(z=z)
        self.put_channels_all_usable()

    def put_channels_all_usable(self) -> None:
        """`fct_channel_status` in which every strip is usable."""
        self.put(
            "fct_channel_status",
            [
                {"file_id": FILE_ID, "plane": plane, "strip": strip, "status": "ok", "is_strip_usable": True}
                for plane in (1, 2, 3, 4)
                for strip in (1, 2, 3, 4)
            ],
        )

    def run(self, *models: str) -> pl.DataFrame:
        """Build models in the order given; the rows of the last one."""
        for model in models:
            sql = next(self._compiled.glob(f"**/{model}.sql")).read_text()
            self.connection.execute(f"create or replace table {model} as {sql}")
        return self.connection.execute(f"from {models[-1]}").pl()


def run_lint(folder: Path, *arguments: str) -> str:
    """Run dbt without a build file, starting from the kept parse; returns what it printed."""
    kept = kept_parse(target="lint")
    known = {"DBT_PARTIAL_PARSE_FILE_PATH": str(kept)} if kept is not None and kept.exists() else {}
    result = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments, "--target", "lint", "--quiet"],
        cwd=ROOT,
        env=os.environ | known | {"DBT_TARGET_PATH": str(folder), "DBT_LOG_PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    keep_parse(folder, kept)
    return result.stdout


@pytest.fixture(scope="session")
def compiled_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of compiled SQL; relations are those of a database in memory."""
    folder = tmp_path_factory.mktemp("compiled")
    run_lint(folder, "compile", "--select", *FOLDERS)
    return folder / "compiled"


@pytest.fixture
def models(compiled_models: Path) -> Models:
    """An empty warehouse that can run the detector models."""
    return Models(compiled_models)
