"""What a server has, as rows of the lake: `remote_file/station=<n>/date=<run day>/<source>.parquet`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import RemoteFile, RemoteSourceName, shown
from extract.transfer.sftp.schema import REMOTE_FILE
from extract.transfer.sftp.select import Choice
from warehouse.lake import partition_folder, read_footer, write_table

_LATER = {"fetch": "waiting"}


def write_listing(lake: Path, endpoint: Endpoint, choices: Iterable[Choice], listed_at: datetime) -> Path:
    """Replace the listing of this source and day, and return its path; under the lock of the station.

    What a killed run left half written goes.

    Parameters
    ----------
    choices
        All names that were listed, with their words; one still to be fetched stands as `waiting`.
    """
    name = f"{endpoint.source}.parquet"
    for left_over in partition_folder(lake, REMOTE_FILE, endpoint.station_id, listed_at.date()).parent.glob(
        f"*/.{name}.tmp.*"
    ):
        left_over.unlink(missing_ok=True)
    rows = [_row(endpoint, choice, listed_at) for choice in choices]
    rows.sort(key=lambda row: str(row["file_name"]))
    return write_table(
        lake,
        REMOTE_FILE,
        pa.Table.from_pylist(rows, schema=REMOTE_FILE.schema),
        station_id=endpoint.station_id,
        day=listed_at.date(),
        name=name,
        provenance={"host": endpoint.host, "listed_at": listed_at.isoformat()},
    )


@dataclass(frozen=True)
class Listing:
    """The newest listing of a source: its time (UTC) and what it names, as a server would."""

    listed_at: datetime
    files: list[RemoteFile]


def read_listing(lake: Path, station_id: int, source: RemoteSourceName) -> Listing | None:
    """The newest listing of a source of a station; None where there is none that can be read.

    Names that were not printable stand in it as they are shown, and are no names of ours either way.
    """
    folder = lake / REMOTE_FILE.name / f"station={station_id}"
    path = max(folder.glob(f"date=*/{source}.parquet"), default=None)
    try:
        if path is None:
            return None
        listed_at = datetime.fromisoformat(read_footer(path)["listed_at"])
        table = pq.ParquetFile(path).read(["file_name", "file_size_bytes", "remote_modified_at", "outcome"])
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return Listing(listed_at, [RemoteFile(name, size, at, word != "not_regular") for name, size, at, word in rows])


def _row(endpoint: Endpoint, choice: Choice, listed_at: datetime) -> dict[str, object]:
    file, name = choice.file, choice.name
    return {
        "station_id": endpoint.station_id,
        "source": endpoint.source,
        "file_name": shown(file.name),
        "file_size_bytes": file.size,
        "remote_modified_at": file.modified_at,
        "file_id": name and name.file_id,
        "base_name": name and name.base_name,
        "start_time": name and name.start_time,
        "outcome": _LATER.get(choice.word, choice.word),
        "is_implausible": choice.is_implausible,
        "host": endpoint.host,
        "directory": endpoint.directory,
        "listed_at": listed_at,
    }
