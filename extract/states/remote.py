"""The newest listing of what lies on the stations' servers and in the archive, from the lake dataset `remote_file`."""

from collections import defaultdict
from datetime import date
from pathlib import Path

import duckdb

from extract.states.detector import RemoteName
from extract.states.state import Kind
from extract.transfer.sftp.schema import REMOTE_FILE
from warehouse.lake import SCHEMA_FILE

_KIND_OF: dict[str, Kind] = {"dat": "dat", "hld": "hld", "log": "log"}


def newest_listings(lake: Path) -> list[Path]:
    """The newest file of every station and source."""
    newest: dict[tuple[str, str], Path] = {}
    for path in sorted((lake / REMOTE_FILE.name).glob("station=*/date=*/*.parquet"), key=lambda path: path.parent.name):
        if path.name != SCHEMA_FILE and not path.name.startswith("."):
            newest[path.parent.parent.name, path.stem] = path
    return sorted(newest.values())


def listing_days(lake: Path) -> dict[tuple[int, Kind], date]:
    """Day of the newest listing of every station and source."""
    return {
        (int(path.parent.parent.name.removeprefix("station=")), _KIND_OF[path.stem]): date.fromisoformat(
            path.parent.name.removeprefix("date=")
        )
        for path in newest_listings(lake)
        if path.stem in _KIND_OF
    }


def detector_listing(lake: Path) -> dict[int, dict[str, list[RemoteName]]]:
    """What the newest listings name of each station's detector files, by station and base name.

    Names that are no detector file's, or of another station, are left out: they are never fetched.
    """
    found: dict[int, dict[str, list[RemoteName]]] = defaultdict(lambda: defaultdict(list))
    for path in newest_listings(lake):
        kind = _KIND_OF.get(path.stem)
        if kind in ("dat", "hld"):
            station_id = int(path.parent.parent.name.removeprefix("station="))
            for base_name, file_name, size, outcome in _rows(path):
                found[station_id][base_name].append(RemoteName(file_name, kind, size, outcome))
    return found


def _rows(path: Path) -> list[tuple[str, str, int, str]]:
    """Base name, name, bytes and outcome of every detector file of a listing; none where it is not readable."""
    query = (
        "select base_name, file_name, file_size_bytes, outcome from read_parquet(?, hive_partitioning = false)"
        " where base_name is not null and outcome not in ('bad_name', 'wrong_station') order by base_name, file_name"
    )
    with duckdb.connect() as connection:
        try:
            return connection.execute(query, [str(path)]).fetchall()
        except duckdb.Error:
            return []
