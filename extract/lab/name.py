"""Names of lab logs: which kind a file holds and for which day."""

import re
from dataclasses import dataclass
from datetime import date, datetime

SINGLE_WEIGHT_FILE = "clean_gas_weight_measurements.log"

PREFIXES = {
    "sensors_bus0_": "env_ext",
    "sensors_bus1_": "env_int",
    "hv0_": "hv",
    "rates_": "rates",
    "Flow0_": "flow",
    "Odroid_": "computer",
    "weight_": "weight",
}
HV_SCAN = "hv_scan"
KINDS = tuple(PREFIXES.values())

_DATED = re.compile(r"(?P<prefix>[A-Za-z0-9_]+_)(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?P<suffix>\.log)?")
_HV_SCAN = re.compile(r"hv_scan_(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<time>[0-9]{6})\.csv")
_VERSION = re.compile(r"~[0-9]+$")


@dataclass(frozen=True)
class LogName:
    """A log's name without version mark, its kind, and its day (None for the single growing weight file)."""

    base_name: str
    kind: str
    file_date: date | None


def parse_log_name(name: str) -> LogName | None:
    """Kind and day of a lab log, None for any other name.

    The name must be a known prefix, an existing day and ``.log`` (which only `rates_` may lack), in this case; a
    version mark ``~2``, ``~3``, ... may follow. ``clean_gas_weight_measurements.log`` is the only name without a day.
    The record of a voltage scan is ``hv_scan_<YYYY-MM-DDTHHMMSS>.csv``.
    """
    base_name = _VERSION.sub("", name)
    if base_name == SINGLE_WEIGHT_FILE:
        return LogName(base_name, "weight", None)
    if scan := _HV_SCAN.fullmatch(base_name):
        return _scan_name(base_name, scan["day"], scan["time"])
    match = _DATED.fullmatch(base_name)
    if match is None or match["prefix"] not in PREFIXES:
        return None
    kind = PREFIXES[match["prefix"]]
    if match["suffix"] is None and kind != "rates":
        return None
    try:
        return LogName(base_name, kind, date.fromisoformat(match["day"]))
    except ValueError:
        return None


def parse_remote_log_name(name: str) -> LogName | None:
    """As `parse_log_name` for a name on a station, where there are no version marks."""
    log_name = parse_log_name(name)
    return log_name if log_name is not None and log_name.base_name == name else None


def _scan_name(base_name: str, day: str, time: str) -> LogName | None:
    try:
        return LogName(base_name, HV_SCAN, datetime.strptime(day + time, "%Y-%m-%d%H%M%S").date())
    except ValueError:
        return None
