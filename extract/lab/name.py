"""Names of lab logs: which kind a file holds and for which day."""

import re
from dataclasses import dataclass
from datetime import date

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
KINDS = tuple(PREFIXES.values())

_DATED = re.compile(r"(?P<prefix>[A-Za-z0-9_]+_)(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?P<suffix>\.log)?")
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
    """
    base_name = _VERSION.sub("", name)
    if base_name == SINGLE_WEIGHT_FILE:
        return LogName(base_name, "weight", None)
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
