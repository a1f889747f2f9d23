"""The newest listing of what lies on the stations' servers and in the archive, from the lake dataset `remote_file`."""

from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import duckdb

from extract.daq.name import BadNameError, parse_name
from extract.states.detector import RemoteName
from extract.states.state import Kind
from warehouse.lake import SCHEMA_FILE

DATASET = "remote_file"
_KIND_OF: dict[str, Kind] = {"dat": "dat", "hld": "hld", "log": "log"}


def newest_listings(lake: Path) -> list[Path]:
    """The newest file of every station and source."""
    newest: dict[tuple[str, str], Path] = {}
    for path in sorted((lake / DATASET).glob("station=*/date=*/*.parquet"), key=lambda path: path.parent.name):
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
        station_id = int(path.parent.parent.name.removeprefix("station="))
        if kind not in ("dat", "hld"):
            continue
        for file_name, size, modified_at in _rows(path):
            try:
                name = parse_name(file_name)
            except BadNameError:
                continue
            if name.station_id == station_id:
                found[station_id][name.base_name].append(RemoteName(file_name, kind, size or 0, modified_at))
    return found


def _rows(path: Path) -> list[tuple[str, int | None, datetime | None]]:
    """Name, bytes and time of every file of a listing; none where it is not readable."""
    query = "select file_name, file_size_bytes, remote_modified_at from read_parquet(?, hive_partitioning = false)"
    with duckdb.connect() as connection:
        try:
            return connection.execute(query, [str(path)]).fetchall()
        except duckdb.Error:
            return []
