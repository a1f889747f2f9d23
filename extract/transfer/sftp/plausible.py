"""Seed `hld_window` as Python reads it: which HLD files of a station's archive are usual."""

import csv
from pathlib import Path

from extract.transfer.sftp.select import Plausible
from warehouse.paths import PROJECT_ROOT

SEED = PROJECT_ROOT / "seeds" / "hld_window.csv"


def read_plausible(seed: Path = SEED) -> dict[int, Plausible]:
    """Usual size and time to the next file by station; a station without a row has no rule."""
    with seed.open(newline="", encoding="utf-8") as stream:
        return {
            int(row["station_id"]): Plausible(
                (float(row["size_min_mib"]), float(row["size_max_mib"])),
                (float(row["gap_min_min"]), float(row["gap_max_min"])),
            )
            for row in csv.DictReader(stream)
        }
