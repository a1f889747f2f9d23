"""The files for the computer of a station: schedule, panes, read account, restart, time service, how to use them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from extract.station.description import Sources
from extract.station.home import StationError
from warehouse.variables import MissingVariableError, expand

TEMPLATES = Path(__file__).with_name("templates")
FILES = (
    *("profile.station", "crontab.station", "tmux.daq.conf", "tmux.ana.conf", "sshd.mingo-read.conf"),
    *("daq_restart.conf", "cache_clean.conf", "hv_scan.csv", "chrony.station.conf"),
)
README = "README.txt"

ACCOUNT = "mingo-read"
EVENT_FOLDER, LOG_FOLDER, HLD_FOLDER = "daq/asci", "logs", "daq/hld"
"""Folders below the home folder of the station's operator account, where nothing else is configured."""
JAIL = "/srv/mingo-read"

HV_STEPS_KV = tuple(round(5.20 + 0.05 * step, 2) for step in range(7))
HV_END_KV = 5.30
HV_STEP_S = 3600
HV_SETTLE_S = 300


@dataclass(frozen=True)
class RenderedStation:
    """What the files say about a station."""

    code: str
    station_id: int
    city: str
    sources: Sources | None


def station_folder(export: Path, code: str) -> Path:
    """Where the files of a station are written."""
    return export / "station" / code


def render(station: RenderedStation) -> dict[str, str]:
    """The texts of all files by name; equal for equal stations.

    Raises
    ------
    StationError
        When the account of the station is named by a variable that is not set.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text for shells and daemons; all values passed the checks of the options
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    words = _words(station)
    texts = {name: environment.get_template(f"{name}.j2").render(words) for name in FILES}
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    texts[README] = environment.get_template(f"{README}.j2").render(words, digests=digests)
    return texts


def _words(station: RenderedStation) -> dict[str, Any]:
    sources = station.sources
    event, log, hld = EVENT_FOLDER, LOG_FOLDER, HLD_FOLDER
    if sources is not None:
        event, log = sources.remote_events, sources.remote_logs
        if sources.remote_hld is not None and sources.hld_host in (None, sources.host):
            hld = sources.remote_hld
    return {
        "code": station.code,
        "station_id": station.station_id,
        "city": station.city,
        "is_configured": sources is not None,
        "account": _account(station),
        "event_dir": _local(event),
        "log_dir": _local(log),
        "hld_dir": _local(hld),
        "jail": JAIL,
        "mounts": [(_local(folder), "/" + folder.strip("/")) for folder in dict.fromkeys((event, log, hld))],
        "hv_steps_kv": HV_STEPS_KV,
        "hv_end_kv": HV_END_KV,
        "hv_step_s": HV_STEP_S,
        "hv_settle_s": HV_SETTLE_S,
    }


def _local(folder: str) -> str:
    """A folder as the station's operator account sees it; without a slash in front it lies in its home folder."""
    return folder.rstrip("/") if folder.startswith("/") else f"$HOME/{folder.strip('/')}"


def _account(station: RenderedStation) -> str:
    if station.sources is None:
        return ACCOUNT
    try:
        return expand(station.sources.user, f"acquire.stations.{station.code}.dat.user")
    except MissingVariableError as error:
        raise StationError(str(error)) from None
