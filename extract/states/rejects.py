"""Files that could not enter landing, in their reject folders: the folder is the reason."""

from datetime import UTC, datetime
from pathlib import Path

from extract.daq.name import BadNameError, parse_name
from extract.states.state import FileState, Kind
from extract.transfer.place import REJECT_FOLDER
from extract.transfer.sidecar import is_landing_name

_KIND_OF: dict[str, Kind] = {
    "dat": "dat",
    "hld": "hld",
    "lab_log": "log",
    "era5": "era5",
    "nmdb": "nmdb",
    "logbook": "logbook",
}


def refused_states(landing: Path) -> list[FileState]:
    """The files in all reject folders."""
    return [
        _state(landing, path)
        for path in sorted(landing.glob(f"*/{REJECT_FOLDER}/*/*"))
        if path.is_file() and is_landing_name(path.name)
    ]


def _state(landing: Path, path: Path) -> FileState:
    source_file = path.relative_to(landing).as_posix()
    stat = path.stat()
    station_id, start_time = None, None
    try:
        name = parse_name(path.name)
        station_id, start_time = name.station_id, name.start_time
    except BadNameError:
        pass
    return FileState(
        station_id=station_id,
        kind=_KIND_OF.get(source_file.split("/")[0], "unknown"),
        name=path.name,
        state="rejected",
        file_time=start_time or datetime.fromtimestamp(int(stat.st_mtime), UTC).replace(tzinfo=None),
        size_bytes=stat.st_size,
        sources=(source_file,),
        reason=path.parent.name,
    )
