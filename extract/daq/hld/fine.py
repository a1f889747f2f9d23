"""How long a fine-time code is: limits of each channel from the file itself, or from the seed `hld_channel_limit`."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extract.daq.bulk import Integers
from extract.daq.hld.tdc import COARSE_NS, N_CHANNELS, N_CODES
from warehouse.paths import PROJECT_ROOT

SEED = PROJECT_ROOT / "seeds" / "hld_channel_limit.csv"
MAX_USUAL_CODE = 1000
"""Codes above do not count for the limits; edges that have them are used and counted."""

MIN_RANGE = 100
"""A channel whose codes span less takes the common limits."""


@dataclass(frozen=True)
class FineLimits:
    """Smallest and largest fine code of each channel, (33,); ``source`` is `file`, `pooled` or `seed`."""

    low: Integers
    high: Integers
    source: str
    detail: str | None = None

    def fine_ns(self) -> NDArray[np.float64]:
        """Time to take off the coarse time by edge code (see `Edges`), ns, (33 * 1024 * 2,).

        (fine code - low) * 5 / (high - low), as the station's program has it; the same for both edges.
        """
        width = np.maximum(self.high - self.low, 1)[:, None]
        fine: NDArray[np.float64] = (np.arange(N_CODES) - self.low[:, None]) * COARSE_NS / width
        return fine.repeat(2)


def n_fine_over(n_by_code: Integers) -> int:
    """Edges with a code above the usual ones, of counts (33, 1024, 2)."""
    return int(n_by_code[:, MAX_USUAL_CODE + 1 :].sum())


def limits_of_file(n_by_code: Integers, min_edges: int) -> FineLimits:
    """Limits from all edges of a file.

    Parameters
    ----------
    n_by_code
        Edges by channel, fine code and edge (0 trailing, 1 leading), (33, 1024, 2).
    min_edges
        Leading edges a channel needs for limits of its own.

    Channels with few edges, and channel 0, take the mean of the others' limits, rounded down. Where no channel has
    enough, all edges give one pair for all.
    """
    usual = n_by_code[:, 1 : MAX_USUAL_CODE + 1]
    leading = usual[:, :, 1]
    low, high = _span(leading)
    is_valid = (leading.sum(axis=1) >= min_edges) & (high - low >= MIN_RANGE)
    is_valid[0] = False
    if not is_valid.any():
        pooled_low, pooled_high = _span(usual.sum(axis=(0, 2))[None])
        return FineLimits(pooled_low.repeat(N_CHANNELS), pooled_high.repeat(N_CHANNELS), "pooled")
    return _completed(low, high, is_valid, "file")


def limits_of_seed(station_id: int, day: date, seed: Path = SEED) -> FineLimits | None:
    """Limits of a station on a day from the seed, the newest row of each channel; None without any."""
    if not seed.is_file():
        return None
    with seed.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if _applies(row, station_id, day)]
    low, high = np.zeros((2, N_CHANNELS), np.int64)
    is_given = np.zeros(N_CHANNELS, bool)
    for row in sorted(rows, key=lambda row: row["valid_from"]):
        channel = int(row["channel"])
        low[channel], high[channel] = int(row["fine_min"]), int(row["fine_max"])
        is_given[channel] = True
    return _completed(low, high, is_given, "seed") if is_given.any() else None


def _applies(row: dict[str, Any], station_id: int, day: date) -> bool:
    return int(row["station_id"]) == station_id and date.fromisoformat(row["valid_from"]) <= day


def _span(counts: Integers) -> tuple[Integers, Integers]:
    """Smallest and largest code with a count in each row of counts of the codes from 1; all usual codes if none."""
    is_seen = counts > 0
    low = is_seen.argmax(axis=1) + 1
    high = counts.shape[1] - is_seen[:, ::-1].argmax(axis=1)
    return low, high


def _completed(low: Integers, high: Integers, is_known: NDArray[np.bool_], source: str) -> FineLimits:
    """Channel 0 takes the mean of the others' limits, rounded down, and channels without limits take channel 0's."""
    if not is_known[0]:
        low[0], high[0] = (limit[is_known].sum() // np.count_nonzero(is_known) for limit in (low, high))
    others = np.flatnonzero(~is_known[1:]) + 1
    low[others], high[others] = low[0], high[0]
    detail = f"common limits {low[0]}..{high[0]}: channels {' '.join(map(str, others))}" if len(others) else None
    return FineLimits(low, high, source, detail)
