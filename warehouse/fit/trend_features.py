"""What the learned trend may know of an hour: its air and that of the day before, never the rate, nor the time."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LAGS_H = (0, 3, 6, 12, 24)
MEAN_H = 24
MIN_MEAN_H = 18
"""Known hours that a mean over a day needs."""


def lagged(values: Array) -> Array:
    """One quantity of the air at the lags of `LAGS_H`, and its mean over the last 24 h.

    Parameters
    ----------
    values
        (hour,) on a gapless grid of hours, NaN where unknown.

    Returns
    -------
    (hour, lag + 1); NaN where the hour looked at is before the first or unknown, or fewer than 18 of the hours
    t - 23 h .. t are known.
    """
    n = len(values)
    before = np.concatenate([np.full(max(LAGS_H), np.nan), values])
    shifted = [before[max(LAGS_H) - lag : max(LAGS_H) - lag + n] for lag in LAGS_H]
    day = np.lib.stride_tricks.sliding_window_view(before[max(LAGS_H) - MEAN_H + 1 :], MEAN_H)
    known = np.isfinite(day)
    count = known.sum(axis=1)
    total = np.where(known, day, 0.0).sum(axis=1)
    mean = np.where(count >= MIN_MEAN_H, total / np.maximum(count, 1), np.nan)
    return np.stack([*shifted, mean], axis=1)


def features(hour: NDArray[np.int64], air: Array) -> Array:
    """Lagged values of every quantity of the air.

    Parameters
    ----------
    hour
        (row,) number of the hour of each row, ascending and unique; a missing hour is unknown air.
    air
        (row, quantity).

    Returns
    -------
    (row, quantity * (lag + 1)): all columns of the first quantity, then of the second.
    """
    place = hour - hour[0]
    grid = np.full((int(place[-1]) + 1, air.shape[1]), np.nan)
    grid[place] = air
    return np.concatenate([lagged(column)[place] for column in grid.T], axis=1)


def lag_zero(n_quantities: int) -> list[int]:
    """Columns of `features` that hold the hour itself."""
    return [k * (len(LAGS_H) + 1) for k in range(n_quantities)]
