"""A new station in the words of its operator: what may be said, and the rows and tables it becomes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import isfinite

from extract.station.home import StationError
from extract.station.toml_text import Keys, Value

Rows = Mapping[str, list[dict[str, str]]]

FIRST_CONF = 1
FIRST_MONITOR = "OULU"
REFERENCE_DEFAULTS = {
    "pressure_sigma_hpa": "0.5",
    "beta_seed_pct_per_hpa": "-0.20",
    "beta_seed_sigma_pct_per_hpa": "0.05",
    "hv_min_kv": "3.0",
}
"""Constants of the corrections a station starts with, those of the first stations."""

_CODE = re.compile(r"MINGO0([1-9])")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*|\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_DIRECTORY = re.compile(r"[A-Za-z0-9._/@+:-]+")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_RANGES = {
    "lat-deg": (-90.0, 90.0),
    "lon-deg": (-180.0, 180.0),
    "altitude-m": (-430.0, 9000.0),
    "pressure-hpa": (300.0, 1100.0),
    "hv-nominal-kv": (0.0, 6.5),
    "port": (1, 65_535),
    "hld-port": (1, 65_535),
}
_EARLIEST = date(2020, 1, 1)
_MAX_HEIGHT_MM = 10_000.0


class OptionError(StationError):
    """A wrong value; the message begins with the option."""

    def __init__(self, option: str, message: str) -> None:
        """Name the option and say what is wrong."""
        super().__init__(f"--{option}: {message}")
        self.option = option


@dataclass(frozen=True)
class Sources:
    """Where a station's files lie: hosts, ports, account, directories. The key is the name of a variable."""

    host: str
    user: str
    key_env: str
    remote_events: str
    remote_logs: str
    port: int = 22
    remote_hld: str | None = None
    hld_host: str | None = None
    hld_port: int | None = None
    hld_user: str | None = None


@dataclass(frozen=True)
class NewStation:
    """A station to be added. Degrees north and east, metres, hPa, heights of planes 1 to 4 in mm downward, days UTC."""

    code: str
    station_id: int
    city: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    first_day: date
    z_mm: tuple[float, ...]
    pressure_hpa: float | None = None
    hv_nominal_kv: float | None = None
    sources: Sources | None = None
    logbook_env: str | None = None

    @property
    def reference_pressure_hpa(self) -> float:
        """The reference pressure as given, else that of the standard atmosphere."""
        return standard_pressure_hpa(self.altitude_m) if self.pressure_hpa is None else self.pressure_hpa


def standard_pressure_hpa(altitude_m: float) -> float:
    """Pressure at an altitude by the barometric formula of the troposphere, whole hPa.

    p = 1013.25 (1 - 0.0065 h / 288.15)^5.25588, the International Standard Atmosphere (ISO 2533:1975).
    """
    return float(round(1013.25 * (1 - 0.0065 * altitude_m / 288.15) ** 5.25588))


def check_station(new: NewStation, today: date) -> None:
    """Refuse a station with a wrong value.

    Raises
    ------
    OptionError
        For the first wrong value.
    """
    match = _CODE.fullmatch(new.code)
    if not 1 <= new.station_id <= 9:
        raise OptionError("id", f"{new.station_id} is not a digit from 1 to 9")
    if match is None:
        raise OptionError("code", f"{_shown(new.code)} is not MINGO and two digits, 01 to 09")
    if int(match.group(1)) != new.station_id:
        raise OptionError("code", f"{new.code} does not match --id {new.station_id}")
    check_text("city", new.city)
    check_number("lat-deg", new.latitude_deg)
    check_number("lon-deg", new.longitude_deg)
    check_number("altitude-m", new.altitude_m)
    if new.pressure_hpa is not None:
        check_number("pressure-hpa", new.pressure_hpa)
    if new.hv_nominal_kv is not None:
        check_number("hv-nominal-kv", new.hv_nominal_kv)
    check_day("first-day", new.first_day, today)
    check_heights("z-mm", new.z_mm)
    if new.logbook_env is not None:
        check_variable("logbook-env", new.logbook_env)
    if new.sources is not None:
        check_sources(new.sources)


def check_sources(sources: Sources) -> None:
    """Refuse a wrong host, port, account, variable or directory.

    Raises
    ------
    OptionError
        For the first wrong value.
    """
    _match("host", sources.host, _HOST, "no name or address of a host")
    check_number("port", sources.port)
    _match("user", sources.user, _USER, "neither an account nor ${VARIABLE}")
    check_variable("key-env", sources.key_env)
    directories = {"remote-events": sources.remote_events, "remote-logs": sources.remote_logs}
    if sources.remote_hld is not None:
        directories["remote-hld"] = sources.remote_hld
    elif sources.hld_host or sources.hld_port or sources.hld_user:
        raise OptionError("remote-hld", "is missing; --hld-host, --hld-port and --hld-user belong to it")
    for option, directory in directories.items():
        _match(option, directory, _DIRECTORY, "letters, digits and . _ - / @ + : only")
        if ".." in directory.split("/"):
            raise OptionError(option, f"{directory} has a part ..")
    if sources.hld_host is not None:
        _match("hld-host", sources.hld_host, _HOST, "no name or address of a host")
    if sources.hld_port is not None:
        check_number("hld-port", sources.hld_port)
    if sources.hld_user is not None:
        _match("hld-user", sources.hld_user, _USER, "neither an account nor ${VARIABLE}")


def check_number(option: str, value: float) -> None:
    """Refuse a number outside the range of its option."""
    low, high = _RANGES[option]
    if not isfinite(value) or not low <= value <= high:
        raise OptionError(option, f"{value:g} lies outside {low:g}..{high:g}")


def check_text(option: str, text: str, max_length: int = 64) -> None:
    """Refuse a text that is empty, long, not printable or begins like a formula of a spreadsheet."""
    if not text.strip() or len(text) > max_length or not text.isprintable():
        raise OptionError(option, f"{_shown(text)} is not 1 to {max_length} printable characters")
    if text != text.strip() or text[0] in "=+-@":
        raise OptionError(option, f"{_shown(text)} begins or ends with a blank or begins with = + - @")


def check_variable(option: str, name: str) -> None:
    """Refuse what cannot be the name of an environment variable; the value itself is refused too, and not shown."""
    if _VARIABLE.fullmatch(name) is None:
        raise OptionError(option, "is not the name of an environment variable (the name, never the secret itself)")


def check_day(option: str, day: date, today: date) -> None:
    """Refuse a day before the first station or in the future."""
    if not _EARLIEST <= day <= today:
        raise OptionError(option, f"{day} lies outside {_EARLIEST}..{today}")


def check_heights(option: str, z_mm: tuple[float, ...]) -> None:
    """Refuse heights that are not four, do not grow or are not heights in millimetres."""
    if len(z_mm) != 4:
        raise OptionError(option, f"{len(z_mm)} heights given, four are needed, such as 0,150,300,450")
    if not all(isfinite(z) and 0 <= z <= _MAX_HEIGHT_MM for z in z_mm):
        raise OptionError(option, f"heights are millimetres from 0 to {_MAX_HEIGHT_MM:.0f}")
    if any(low >= high for low, high in pairwise(z_mm)):
        raise OptionError(option, "the heights must grow from plane 1 to plane 4 (downward)")


def check_fingerprint(option: str, text: str) -> str:
    """The fingerprint in the form of ssh-keygen, without padding.

    Raises
    ------
    OptionError
        When it is none.
    """
    _match(option, text.strip(), _FINGERPRINT, "not SHA256: and 43 characters as `ssh-keygen -lf` prints it")
    return text.strip().rstrip("=")


def seed_rows(new: NewStation) -> Rows:
    """The rows of the seeds kept per station, by seed, in the order of writing: `station` last."""
    number, first = str(new.station_id), new.first_day.isoformat()
    heights = {f"z_plane_{plane}_mm": as_text(z) for plane, z in enumerate(new.z_mm, start=1)}
    return {
        "station_configuration": [
            {"station_id": number, "conf_number": str(FIRST_CONF), "valid_from": first, "city": new.city, **heights}
        ],
        "station_reference": [{"station_id": number, **REFERENCE_DEFAULTS}],
        "station_acceptance": [
            {"station_id": number, "valid_from": first, **{f"acc_{plane}": "1" for plane in range(1, 5)}}
        ],
        "station_monitor": [{"station_id": number, "nm_code": FIRST_MONITOR, "priority": "1"}],
        "cutoff_rigidity": [{"station_id": number, "rigidity_source": "not computed yet", "is_provisional": "true"}],
        "station": [
            {
                "station_id": number,
                "station_code": new.code,
                "city": new.city,
                "latitude_deg": as_text(new.latitude_deg),
                "longitude_deg": as_text(new.longitude_deg),
                "altitude_m": as_text(new.altitude_m),
                "reference_pressure_hpa": as_text(new.reference_pressure_hpa),
                "is_position_provisional": "true",
                "valid_from": first,
                "position_source": "given by the operator",
                "is_enabled": "true",
                "is_running_expected": "true",
                "hv_nominal_kv": "" if new.hv_nominal_kv is None else as_text(new.hv_nominal_kv),
            }
        ],
    }


def source_tables(code: str, sources: Sources, known_hosts: str) -> dict[Keys, dict[str, Value]]:
    """The tables of the configuration, by their keys."""
    tables: dict[Keys, dict[str, Value]] = {
        ("acquire", "stations", code, "dat"): {
            "host": sources.host,
            "port": sources.port,
            "user": sources.user,
            "key_file": f"${{{sources.key_env}}}",
            "known_hosts": known_hosts,
            "directory": sources.remote_events,
        }
    }
    if sources.remote_hld is not None:
        given = {"port": sources.hld_port, "user": sources.hld_user}
        tables["acquire", "stations", code, "hld"] = {
            "host": sources.hld_host or sources.host,
            **{key: value for key, value in given.items() if value is not None},
            "directory": sources.remote_hld,
        }
    tables["acquire", "stations", code, "log"] = {"host": sources.host, "directory": sources.remote_logs}
    return tables


def as_text(value: float) -> str:
    """A number as it is written in a seed: no more digits than it has."""
    return f"{value:.10g}"


def _match(option: str, text: str, pattern: re.Pattern[str], message: str) -> None:
    if pattern.fullmatch(text) is None:
        raise OptionError(option, f"{_shown(text)}: {message}")


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:80] + "...")
