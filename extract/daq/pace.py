"""How fast detector files have been extracted of late, from what lies in the lake."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from extract.daq.schema import RAW_EVENT

WINDOW_S = 7200.0
LONGEST_GAP_S = 120.0
"""Files further apart than this did not follow each other in one run."""


def finished_times_s(lake: Path, since: datetime) -> list[float]:
    """Unix seconds, in order, at which the events of detector files were written from ``since`` (naive UTC) on.

    Only day folders that were changed since are looked into.
    """
    first_s = since.replace(tzinfo=UTC).timestamp()
    folders = (folder for folder in (lake / RAW_EVENT.name).glob("station=*/date=*") if _time_s(folder) >= first_s)
    files = (path for folder in folders for path in folder.glob("[!.]*-p*.parquet"))
    return sorted(time_s for path in files if (time_s := _time_s(path)) >= first_s)


def files_per_second(times_s: Iterable[float]) -> float | None:
    """Files a second while files followed each other by at most `LONGEST_GAP_S`; None where no two did."""
    ordered = sorted(times_s)
    gaps_s = [later - former for former, later in itertools.pairwise(ordered)]
    kept_s = [gap for gap in gaps_s if gap <= LONGEST_GAP_S]
    busy_s = sum(kept_s)
    return len(kept_s) / busy_s if busy_s > 0 else None


def recent_pace(lake: Path, now: datetime) -> float | None:
    """Files a second, fetching and pauses of their runs included, of the last `WINDOW_S` before ``now``."""
    return files_per_second(finished_times_s(lake, now - timedelta(seconds=WINDOW_S)))


def _time_s(path: Path) -> float:
    """Modification time, Unix seconds; 0 for what is gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
