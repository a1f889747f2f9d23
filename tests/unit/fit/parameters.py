"""The parameters of the detector chain as the committed seed gives them to every station."""

import csv
from typing import Any

import pyarrow as pa

from tests.conftest import ROOT


def default_parameters() -> dict[str, float]:
    """Name to value of the general rows."""
    with (ROOT / "seeds" / "detector_parameter.csv").open() as stream:
        return {row["parameter"]: float(row["value"]) for row in csv.DictReader(stream) if not row["station_id"]}


def file_parameters(*file_ids: int, **changed: float) -> pa.Table:
    """Rows as those of `int_file_parameter`."""
    rows: list[dict[str, Any]] = [{"file_id": f} | default_parameters() | changed for f in file_ids]
    return pa.Table.from_pylist(rows)
