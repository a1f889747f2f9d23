"""A copy of the operator's files for a test, and the station it adds."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import paramiko

from extract.station.description import NewStation, Sources
from extract.station.home import Home
from tests.conftest import ROOT
from warehouse.paths import Paths

TODAY = date(2026, 2, 1)
SOURCES = Sources("mingo05", "mingo-read", "MINGO05_KEY", "/data/asci", "logs")
KEY, OTHER_KEY = (paramiko.ECDSAKey.generate(bits=256) for _ in range(2))


def new_station(**other: Any) -> NewStation:
    """A station that is not in the seeds, with some values replaced."""
    values: dict[str, Any] = {
        "code": "MINGO05",
        "station_id": 5,
        "city": "Coimbra",
        "latitude_deg": 40.2,
        "longitude_deg": -8.4,
        "altitude_m": 75.0,
        "first_day": date(2026, 1, 15),
        "z_mm": (0.0, 150.0, 300.0, 450.0),
        "sources": SOURCES,
    }
    return NewStation(**(values | other))


def copied_home(folder: Path, config: str = "") -> Home:
    """The repository's seeds in a folder of the test, with a configuration and a data folder of their own."""
    shutil.copytree(ROOT / "seeds", folder / "seeds")
    if config:
        (folder / "mingo.toml").write_bytes(config.encode())
    return Home(folder / "seeds", folder / "mingo.toml", Paths(folder / "data"))


def contents(home: Home) -> dict[str, bytes]:
    """Every file the commands may change, by name."""
    folder = home.config.parent
    files = [*home.seeds.iterdir(), *(path for path in folder.iterdir() if path.is_file())]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
