"""The address of one remote source of a station, resolved from the settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from extract.transfer.sftp.pins import SSH_PORT
from extract.transfer.sftp.remote import RemoteSourceName
from extract.transfer.stations import find_station, read_stations
from warehouse.settings import ConfigurationError, RemoteSource, Settings, StationSources, config_file
from warehouse.variables import MissingVariableError, expand

SOURCES: tuple[RemoteSourceName, ...] = get_args(RemoteSourceName)

INCLUDE: dict[RemoteSourceName, tuple[str, ...]] = {
    "dat": ("*.dat", "*.dat.gz", "*.dat.tar.gz"),
    "hld": ("*.hld", "*.hld.tar.gz", "*.hld-tar-gz"),
    "log": ("*",),
}
"""Patterns of names where the settings give none; which logs are ours their names decide."""


@dataclass(frozen=True)
class Endpoint:
    """Where one source of a station lies and how to log in there; ``key_file`` is a path, never a key."""

    station_id: int
    station_code: str
    source: RemoteSourceName
    host: str
    port: int
    user: str
    key_file: Path
    known_hosts: Path
    directory: str
    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()


def configured_codes(settings: Settings, source: RemoteSourceName) -> list[str]:
    """Codes of the stations that have an entry for a source, in the order of the settings."""
    return [code for code, entry in settings.acquire.stations.items() if getattr(entry, source) is not None]


def resolve(settings: Settings, code: str, source: RemoteSourceName) -> Endpoint:
    """The address of one source of a station.

    What `hld` and `log` do not say is as for `dat`; the port only on the same host. Paths are relative to the folder of
    the configuration file.

    Raises
    ------
    ConfigurationError
        Names the key, and the environment variable where one is not set.
    UnknownStationError
        For a code that is not in the seed.
    """
    station = find_station(code, read_stations())
    entry = settings.acquire.stations.get(code, StationSources())
    own: RemoteSource | None = getattr(entry, source)
    if own is None:
        raise ConfigurationError(
            f"{_key(code, source)}: not configured; `mingo station add` or {config_file()} sets it"
        )
    text = {
        name: _expand(f"{_key(code, source)}.{name}", getattr(own, name) or getattr(entry.dat, name, ""))
        for name in ("user", "key_file", "known_hosts")
    }
    return Endpoint(
        station_id=station.station_id,
        station_code=station.station_code,
        source=source,
        host=own.host,
        port=own.port or (entry.dat.port if entry.dat and entry.dat.host == own.host else None) or SSH_PORT,
        user=text["user"],
        key_file=_path(f"{_key(code, source)}.key_file", text["key_file"]),
        known_hosts=_path(f"{_key(code, source)}.known_hosts", text["known_hosts"]),
        directory=own.directory,
        include=tuple(own.include) or INCLUDE[source],
        exclude=tuple(own.exclude),
    )


def _key(code: str, source: RemoteSourceName) -> str:
    return f"acquire.stations.{code}.{source}"


def _expand(key: str, text: str) -> str:
    """The text with its environment variables put in; an empty one is an error."""
    try:
        expanded = expand(text, key).strip()
    except MissingVariableError as error:
        raise ConfigurationError(str(error)) from None
    if not expanded:
        raise ConfigurationError(f"{key}: not set in {config_file()}")
    return expanded


def _path(key: str, text: str) -> Path:
    try:
        return (config_file().parent / Path(text).expanduser()).absolute()
    except RuntimeError:
        raise ConfigurationError(f"{key}: {text} names the home folder of a user who has none here") from None
