"""Archived HLD files of unusual size, or unusually far from the next one."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from extract.daq.name import RawName
from warehouse.paths import PROJECT_ROOT

SEED = PROJECT_ROOT / "seeds" / "hld_window.csv"
_MIB = 1 << 20


@dataclass(frozen=True)
class HldWindow:
    """Usual sizes (MiB) and times to the next file (minutes), limits included."""

    size_min_mib: float
    size_max_mib: float
    interval_min_minutes: float
    interval_max_minutes: float


def read_windows(seed: Path = SEED) -> dict[int, HldWindow]:
    """The windows by station number."""
    with seed.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {
        int(row["station_id"]): HldWindow(
            *(float(row[name]) for name in HldWindow.__dataclass_fields__),
        )
        for row in rows
    }


def unusual_names(files: Iterable[tuple[RawName, int]], window: HldWindow | None) -> set[str]:
    """Base names of the files outside a window; none without a window.

    Parameters
    ----------
    files
        Every listed file of a station: its name and its size, bytes. The last one has no next one and is judged by its
        size alone; a base name that occurs twice is one file.
    """
    if window is None:
        return set()
    sizes = dict(files)
    found = {
        name.base_name for name, size in sizes.items() if not window.size_min_mib <= size / _MIB <= window.size_max_mib
    }
    starts = sorted({(name.start_time, name.base_name) for name in sizes})
    for (start, base_name), (following, _) in pairwise(starts):
        minutes = (following - start).total_seconds() / 60
        if not window.interval_min_minutes <= minutes <= window.interval_max_minutes:
            found.add(base_name)
    return found
