"""Headers, column lines and types of NMDB answers, and the request an answer belongs to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DTYPE_OF_TYPE = {
    "RCORR_E": "corr_for_efficiency",
    "1HCOR_E": "corr_for_efficiency",
    "RUNCORR": "uncorrected",
    "1HUNCOR": "uncorrected",
    "RPRESS": "pressure_mbar",
    "1HPRESS": "pressure_mbar",
}
PRESSURE = "pressure_mbar"
DTYPES = tuple(dict.fromkeys(DTYPE_OF_TYPE.values()))
PRODUCT_OF_DTYPE = {"corr_for_efficiency": "rate", "uncorrected": "baro", PRESSURE: "baro"}

_KEYS = ("STATION", "START TIME", "END TIME", "NMDB TABLE", "DATA TYPE", "AVERAGING", "ORIGINAL RES")
_KEY_LINE = re.compile(r"#\s*([A-Z][A-Z .]*?)\s*:\s*(.*)")
_TYPE = re.compile(r"(?P<dtype>[A-Za-z0-9_]+)\s*(?:\((?P<type>[A-Za-z0-9_]+)\))?")
_DURATION = re.compile(r"([0-9]+)\s*(min|hour|day)")
_SECONDS = {"min": 60, "hour": 3600, "day": 86400}
_TABLES = {"revised original": "revori", "original": "ori", "revised": "rev", "1 hour validated": "1h"}


@dataclass(frozen=True)
class Request:
    """What was asked for, as far as it is known. ``resolution_s`` and the words are None where it is not."""

    stations: tuple[str, ...] = ()
    dtype: str | None = None
    resolution_s: int | None = None
    nm_table: str | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any], dtype: str | None = None) -> "Request":
        """From the parameters of the query; ``dtype`` stands in for a missing one."""
        stations = parameters.get("stations[]", parameters.get("stations", ()))
        if isinstance(stations, str):
            stations = [stations]
        minutes = str(parameters.get("tresolution") or "")
        return cls(
            stations=tuple(str(station) for station in stations or ()),
            dtype=str(parameters.get("dtype") or dtype or "") or None,
            resolution_s=60 * int(minutes) if minutes.isascii() and minutes.isdigit() and int(minutes) else None,
            nm_table=str(parameters.get("tabchoice") or "") or None,
        )


@dataclass
class Header:
    """Header lines read so far; of a repeated key the last value."""

    values: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Read one line that starts with ``#``."""
        self.lines.append(line)
        if (match := _KEY_LINE.match(line)) and match[1] in _KEYS:
            self.values[match[1]] = match[2].strip()

    @property
    def station(self) -> str | None:
        """Code of the monitor."""
        return self.values.get("STATION") or None

    @property
    def resolution_s(self) -> int | None:
        """Length of the averaging interval, else the original resolution where nothing was averaged."""
        averaging = self.values.get("AVERAGING", "")
        return read_duration_s(self.values.get("ORIGINAL RES", "") if averaging.lower() == "no" else averaging)

    @property
    def nm_table(self) -> str | None:
        """Table of NMDB as the service's own parameter calls it; another name as it stands."""
        name = self.values.get("NMDB TABLE", "")
        return _TABLES.get(name, name) or None

    @property
    def value_type(self) -> str | None:
        """Type as the answer calls it, such as `RCORR_E`."""
        match = _TYPE.match(self.values.get("DATA TYPE", ""))
        return (match["type"] or match["dtype"]) if match else None

    @property
    def dtype(self) -> str | None:
        """Quantity as the service's parameter calls it; an unknown one as it stands."""
        match = _TYPE.match(self.values.get("DATA TYPE", ""))
        if match is None:
            return None
        return DTYPE_OF_TYPE.get(match["type"], match["type"]) if match["type"] else match["dtype"]


def read_duration_s(text: str) -> int | None:
    """Seconds in a text such as `Yes / 10 min` or `2 hours`; None without any."""
    match = _DURATION.search(text)
    return int(match[1]) * _SECONDS[match[2]] or None if match else None
