"""Writing, listing and reading lake files: Parquet, zstd, hive-partitioned, complete or absent."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.dataset import Dataset
from warehouse.files import replacing

SCHEMA_STATION = 0
SCHEMA_DATE = date(1970, 1, 1)
SCHEMA_FILE = "schema.parquet"


def partition_folder(lake: Path, dataset: Dataset, station_id: int | None, day: date) -> Path:
    """The folder of a partition, ``<lake>/<dataset>[/station=<n>]/date=<YYYY-MM-DD>``."""
    folder = lake / dataset.name
    if "station" in dataset.partition:
        if station_id is None:
            raise ValueError(f"{dataset.name} is partitioned by station, and none was given")
        folder /= f"station={station_id}"
    return folder / f"date={day.isoformat()}"


def write_table(
    lake: Path,
    dataset: Dataset,
    table: pa.Table,
    *,
    station_id: int | None,
    day: date,
    name: str,
    provenance: Mapping[str, str],
) -> Path:
    """Write one lake file atomically and return its path.

    Parameters
    ----------
    table
        Rows in the declared columns, sorted by key by the caller.
    name
        File name without folder, ending in ``.parquet``. It says what the file holds (base name, content hash and
        parser version), so that what is new is found by listing and never by opening the lake.
    provenance
        Text for the Parquet footer (``content_sha256`` or ``file_sha256``, ``parser_version``, ...).

    Raises
    ------
    SchemaError
        When the table does not fit the declaration of the dataset.
    """
    dataset.check(table)
    path = partition_folder(lake, dataset, station_id, day) / name
    footer = {key.encode(): value.encode() for key, value in provenance.items()}
    with replacing(path) as temporary:
        pq.write_table(
            table.cast(dataset.schema).replace_schema_metadata(footer),
            temporary,
            compression="zstd",
            compression_level=1,
            coerce_timestamps="us",
        )
    return path


def list_files(lake: Path, dataset: Dataset, station_id: int | None = None) -> list[Path]:
    """All data files of a dataset (of one station), sorted; the schema-only file is left out."""
    station = "" if station_id is None else f"station={station_id}/"
    depth = "*/" * (len(dataset.partition) - (station_id is not None))
    files = (lake / dataset.name).glob(f"{station}{depth}*.parquet")
    return sorted(path for path in files if path.name != SCHEMA_FILE and not path.name.startswith("."))


def read_footer(path: Path) -> dict[str, str]:
    """The provenance in the footer of a lake file."""
    metadata = pq.read_metadata(path).metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items() if key != b"ARROW:schema"}


def write_schema_files(lake: Path, datasets: Iterable[Dataset]) -> None:
    """Make sure every dataset holds its schema-only file, so that an empty lake can be read; replaced when it differs.

    It lies in ``station=0/date=1970-01-01`` (or ``date=1970-01-01``): whatever lists partitions must know it.
    """
    for dataset in datasets:
        path = partition_folder(lake, dataset, SCHEMA_STATION, SCHEMA_DATE) / SCHEMA_FILE
        if not path.exists() or not pq.read_schema(path).remove_metadata().equals(dataset.schema):
            write_table(
                lake,
                dataset,
                dataset.empty(),
                station_id=SCHEMA_STATION,
                day=SCHEMA_DATE,
                name=SCHEMA_FILE,
                provenance={"purpose": "schema only"},
            )
