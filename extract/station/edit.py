"""Changing a station that is there: dated rows for what it is, the configuration for where its files lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from extract.station import toml_text
from extract.station.add import Keys, Plan, is_same, rows_of, servers, with_logbook, with_pins
from extract.station.commit import read_text
from extract.station.csv_text import CsvText
from extract.station.description import (
    FIRST_CONF,
    OptionError,
    Sources,
    as_text,
    check_day,
    check_heights,
    check_number,
    check_sources,
    check_text,
    check_variable,
    source_tables,
)
from extract.station.facts import known_sources
from extract.station.home import KNOWN_HOSTS, Home, StationError
from extract.station.host_key import Confirmation, Offer, confirmed_key, pinned_fingerprints, with_pin
from extract.transfer.sftp.pins import fingerprint
from warehouse.settings import StationSources

MAX_REASON = 160
_POSITION = {"latitude_deg": "lat-deg", "longitude_deg": "lon-deg", "altitude_m": "altitude-m"}
_NUMBERS = _POSITION | {"reference_pressure_hpa": "pressure-hpa", "hv_nominal_kv": "hv-nominal-kv"}
_NEEDED = ("host", "user", "key_env", "remote_events", "remote_logs")


@dataclass(frozen=True)
class Changes:
    """What an operator wants otherwise; what is not named stays.

    ``site`` holds numbers by column of the seed `station`, ``sources`` values by field of `Sources`.
    """

    valid_from: date
    site: Mapping[str, float] = field(default_factory=dict)
    city: str | None = None
    is_surveyed: bool = False
    z_mm: tuple[float, ...] | None = None
    sources: Mapping[str, Any] = field(default_factory=dict)
    logbook_env: str | None = None


def plan_edit(
    home: Home, station_id: int, changes: Changes, present: StationSources, today: date, keys: Keys | None
) -> Plan:
    """What the changes write; nothing, where everything is so already.

    Raises
    ------
    StationError
        For a wrong value, a day before the newest row, or a file that cannot be edited safely.
    """
    check_day("from", changes.valid_from, today)
    stations = home.read_seed("station")
    code = rows_of(stations, station_id)[-1]["station_code"]
    _edit_site(stations, station_id, changes)
    configurations = home.read_seed("station_configuration")
    if changes.z_mm is not None:
        check_heights("z-mm", changes.z_mm)
        _edit_heights(configurations, station_id, changes.z_mm, changes.valid_from)
    config = home.read_config()
    plan = Plan()
    if changes.sources:
        old, new = _sources(code, present, changes.sources)
        if keys is not None and (old is None or set(servers(old)) != set(servers(new))):
            path = home.known_hosts(present)
            plan.contents[path] = with_pins(path, code, new, keys)
        config = _edit_sources(home, config, code, old, new)
    if changes.logbook_env is not None:
        check_variable("logbook-env", changes.logbook_env)
        config = with_logbook(home, config, code, changes.logbook_env)
    plan.contents[home.seed("station_configuration")] = configurations.text
    plan.contents[home.config] = config
    plan.contents[home.seed("station")] = stations.text
    return plan


def plan_switch(home: Home, station_id: int, *, is_enabled: bool, reason: str, today: date) -> Plan:
    """Take a station out of every flow, with a reason, or back in. Its data stay.

    Raises
    ------
    StationError
        For a reason that is no text.
    """
    stations = home.read_seed("station")
    newest = rows_of(stations, station_id)[-1]
    words = {"is_enabled": "true", "disabled_reason": ""}
    if not is_enabled:
        check_text("reason", reason, MAX_REASON)
        words = {"is_enabled": "false", "disabled_reason": f"{today}: {reason}"}
        if newest["is_enabled"].lower() == "false" and newest["disabled_reason"].partition(": ")[2] == reason:
            words = {}
    elif newest["is_enabled"].lower() == "true":
        words = {}
    stations.change(_where(newest), words)
    return Plan({home.seed("station"): stations.text})


def plan_repin(
    home: Home, code: str, present: StationSources, how: Confirmation, offer: Offer, *, is_archive: bool
) -> Plan:
    """Pin the key that a server offers now in the place of all others, once it is confirmed.

    Raises
    ------
    StationError
        When the station has no server or no archive of its own, or the key is not confirmed.
    """
    sources = known_sources(present)
    if sources is None:
        raise StationError(f"{code} has no server; give it one: mingo station edit {code} --host ...")
    server = next(((h, p) for h, p, is_hld in servers(sources) if is_hld == is_archive), None)
    if server is None:
        raise OptionError("archive", f"the archive of {code} lies on the station's own server")
    host, port = server
    key = confirmed_key(offer(host, port), host, how)
    path = home.known_hosts(present)
    if pinned_fingerprints(path, host, port) == [fingerprint(key)]:
        return Plan()
    return Plan({path: with_pin(path, read_text(path), host, port, key, is_only=True)})


def _edit_site(table: CsvText, station_id: int, changes: Changes) -> None:
    values = {}
    for column, value in changes.site.items():
        check_number(_NUMBERS[column], value)
        values[column] = as_text(value)
    if changes.city is not None:
        check_text("city", changes.city)
        values["city"] = changes.city
    newest = rows_of(table, station_id)[-1]
    if any(column in values and not is_same(newest[column], values[column]) for column in _POSITION):
        values |= {"is_position_provisional": "true", "position_source": "given by the operator"}
    if changes.is_surveyed:
        values |= {"is_position_provisional": "false", "position_source": "survey"}
    _add_dated(table, newest, values, changes.valid_from)


def _edit_heights(table: CsvText, station_id: int, z_mm: tuple[float, ...], valid_from: date) -> None:
    values = {f"z_plane_{plane}_mm": as_text(z) for plane, z in enumerate(z_mm, start=1)}
    rows = rows_of(table, station_id)
    if not rows:
        table.add(
            {"station_id": str(station_id), "conf_number": str(FIRST_CONF), "valid_from": valid_from.isoformat()}
            | values
        )
        return
    conf_number = as_text(int(max(float(row["conf_number"]) for row in rows)) + 1)
    _add_dated(table, rows[-1], values, valid_from, {"conf_number": conf_number, "comment": ""})


def _add_dated(
    table: CsvText,
    newest: Mapping[str, str],
    values: Mapping[str, str],
    valid_from: date,
    of_new_row: Mapping[str, str] | None = None,
) -> None:
    """A row that holds from a day on, and the end of the one before; on the first day of that one it is changed."""
    if all(is_same(newest[column], value) for column, value in values.items()):
        return
    day = valid_from.isoformat()
    if day < newest["valid_from"]:
        raise OptionError("from", f"{day} lies before the newest row, which holds from {newest['valid_from']}")
    if day == newest["valid_from"]:
        table.change(_where(newest), values)
        return
    end = (valid_from - timedelta(days=1)).isoformat()
    table.change(_where(newest), {"valid_to": min(newest["valid_to"] or end, end)})
    table.add({**newest, **values, **(of_new_row or {}), "valid_from": day, "valid_to": ""})


def _where(row: Mapping[str, str]) -> dict[str, str]:
    keys = ("station_id", "valid_from", "conf_number")
    return {key: row[key] for key in keys if key in row}


def _sources(code: str, present: StationSources, given: Mapping[str, Any]) -> tuple[Sources | None, Sources]:
    old = known_sources(present)
    if old is None:
        missing = [name for name in _NEEDED if name not in given]
        if missing:
            option = missing[0].replace("_", "-")
            raise OptionError(option, f"is needed, because acquire.stations.{code} has no detector files and logs yet")
        new = Sources(**given)
    else:
        new = replace(old, **given)
    # a key that is no variable is the operator's own path, and stays
    check_sources(new if old is None or "key_env" in given else replace(new, key_env="KEY"))
    return old, new


def _edit_sources(home: Home, config: str, code: str, old: Sources | None, new: Sources) -> str:
    before = source_tables(code, old, KNOWN_HOSTS) if old is not None else {}
    try:
        for keys, wanted in source_tables(code, new, KNOWN_HOSTS).items():
            former = before.get(keys, {})
            values = {key: value for key, value in wanted.items() if former.get(key) != value}
            if values and former:
                config = toml_text.replace(config, keys, values)
            elif values:
                config = toml_text.append(config, {keys: values})
    except toml_text.TomlEditError as error:
        raise StationError(f"{home.config}: {error}") from None
    return config
