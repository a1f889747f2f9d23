"""What is known about a station: rows, sources, pinned keys, and how much of it lies in landing and lake."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from extract.daq.name import BadNameError, is_ignored, parse_name
from extract.station.add import rows_of, servers
from extract.station.description import Sources
from extract.station.home import Home
from extract.station.host_key import pinned_fingerprints
from extract.transfer.sftp.pins import SSH_PORT
from warehouse.settings import RemoteSource, StationSources

SEEDS = (
    *("station", "station_configuration", "station_reference", "station_acceptance", "station_monitor"),
    *("cutoff_rigidity", "detector_parameter", "temperature_weight", "sensor_offset", "fit_exclusion"),
)
"""Seeds with rows of single stations."""


@dataclass(frozen=True)
class Held:
    """Detector files by listing: how many, and the start of the newest (UTC)."""

    n_files: int
    newest_at: datetime | None


def station_facts(home: Home, station_id: int, sources: StationSources) -> dict[str, Any]:
    """All that is known, as plain values: dated rows of the seeds, sources without secrets, pinned keys, files held."""
    seeds = {name: rows_of(home.read_seed(name), station_id) for name in SEEDS}
    newest = seeds["station"][-1]
    return {
        "station_code": newest["station_code"],
        "station_id": station_id,
        "city": newest["city"],
        "is_enabled": newest["is_enabled"].lower() == "true",
        "disabled_reason": newest.get("disabled_reason") or None,
        "first_day": seeds["station"][0]["valid_from"],
        "sources": {name: _shown(name, source, sources) for name, source in _configured(sources)},
        "pinned": _pinned(home, sources),
        "landing": _plain(count_files(home.paths.landing / "dat" / f"station={station_id}")),
        "lake": _plain(count_files(home.paths.lake / "raw_file" / f"station={station_id}")),
        "rows": {name: [_given(row) for row in rows] for name, rows in seeds.items() if rows},
    }


def count_files(folder: Path) -> Held:
    """The detector files below ``folder/*/``, by their names; versions and containers of one file count once."""
    names = (path.name for path in folder.glob("*/*") if path.is_file())
    starts = dict(entry for entry in map(_start, names) if entry is not None)
    return Held(len(starts), max(starts.values(), default=None))


def known_sources(source: StationSources) -> Sources | None:
    """The sources as the options of `station add` say them; None without detector files or logs."""
    if source.dat is None or source.log is None:
        return None
    hld = source.hld
    return Sources(
        host=source.dat.host,
        user=source.dat.user,
        key_env=source.dat.key_file.removeprefix("${").removesuffix("}"),
        remote_events=source.dat.directory,
        remote_logs=source.log.directory,
        port=source.dat.port or SSH_PORT,
        remote_hld=hld.directory if hld else None,
        hld_host=hld.host if hld else None,
        hld_port=hld.port if hld else None,
        hld_user=(hld.user or None) if hld else None,
    )


def _start(name: str) -> tuple[str, datetime] | None:
    base_name = name.partition("-")[0] + ".dat" if name.endswith(".parquet") else name
    if is_ignored(name):
        return None
    try:
        parsed = parse_name(base_name)
    except BadNameError:
        return None
    return parsed.base_name, parsed.start_time


def _configured(sources: StationSources) -> Iterable[tuple[str, RemoteSource]]:
    for name in ("dat", "hld", "log"):
        source: RemoteSource | None = getattr(sources, name)
        if source is not None:
            yield name, source


def _shown(name: str, source: RemoteSource, sources: StationSources) -> dict[str, Any]:
    first = sources.dat or source
    return {
        "host": source.host,
        "port": source.port or first.port or SSH_PORT,
        "user": source.user or first.user,
        "key_file": source.key_file or first.key_file,
        "directory": source.directory,
    }


def _pinned(home: Home, sources: StationSources) -> dict[str, list[str]]:
    known = known_sources(sources)
    if known is None:
        return {}
    path = home.known_hosts(sources)
    return {f"{host}:{port}": pinned_fingerprints(path, host, port) for host, port, _ in servers(known)}


def _given(row: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if value and name != "station_id"}


def _plain(held: Held) -> dict[str, Any]:
    newest = held.newest_at
    return {"n_files": held.n_files, "newest_at": newest and newest.isoformat(sep=" ")}
