"""Front-back charge: how the charge difference of the two ends of a strip depends on their mean."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Q_SUM_BIN_NS = 1.0
Q_DIF_BIN_NS = 0.1
"""Bins of `int_cal_front_back`."""

X_UNIT_NS = 100.0
"""The polynomial is one in q_sum / 100 ns."""

MAX_DEGREE = 4


class FrontBack(NamedTuple):
    """A polynomial in q_sum / 100 ns (five coefficients, ns) and where it holds, ns; outside it is constant."""

    coefficients: NDArray[np.float64]
    degree: int
    low_ns: float
    high_ns: float


def degree_for(n_entries: float, *, min_1: float, min_2: float, min_4: float) -> int | None:
    """The degree that so many entries carry, or None."""
    for degree, needed in ((4, min_4), (2, min_2), (1, min_1)):
        if n_entries >= needed:
            return degree
    return None


def fit_front_back(
    q_sum_bin: NDArray[np.int64],
    q_dif_bin: NDArray[np.int64],
    n: NDArray[np.float64],
    *,
    degree: int,
    residual_max_ns: float,
    support_quantile: float,
    high_max_ns: float,
) -> FrontBack:
    """Weighted least squares of the charge difference on powers of the charge, in two rounds.

    Bins further than ``residual_max_ns`` from the first polynomial are left out of the second. The support ends where
    the entries end, not where a polynomial could still be evaluated: beyond, a power of degree four runs away.

    Parameters
    ----------
    q_sum_bin, q_dif_bin, n
        The filled bins of one strip and their entries.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the bins do not determine the polynomial.
    """
    x = np.asarray((q_sum_bin + 0.5) * (Q_SUM_BIN_NS / X_UNIT_NS), dtype=np.float64)
    y = np.asarray((q_dif_bin + 0.5) * Q_DIF_BIN_NS, dtype=np.float64)
    first = _weighted(x, y, n, degree)
    kept = np.abs(y - np.polynomial.polynomial.polyval(x, first)) < residual_max_ns
    coefficients = np.zeros(MAX_DEGREE + 1)
    coefficients[: degree + 1] = _weighted(x[kept], y[kept], n[kept], degree)
    high = min(weighted_quantile(q_sum_bin, n, support_quantile) * Q_SUM_BIN_NS, high_max_ns)
    return FrontBack(coefficients, degree, 0.0, max(high, 0.0))


def weighted_quantile(bins: NDArray[np.int64], n: NDArray[np.float64], quantile: float) -> float:
    """Quantile of binned entries, in bins, with entries spread evenly inside their bin."""
    first = int(bins.min())
    total = np.concatenate([[0.0], np.cumsum(np.bincount(bins - first, weights=n))])
    return first + float(np.interp(quantile * total[-1], total, np.arange(len(total))))


def _weighted(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64], degree: int
) -> NDArray[np.float64]:
    powers = np.vander(x, degree + 1, increasing=True)
    weighted = powers * weight[:, None]
    normal = powers.T @ weighted
    if np.linalg.matrix_rank(normal) <= degree:
        raise np.linalg.LinAlgError("too few different charges for the polynomial")
    return np.asarray(np.linalg.solve(normal, weighted.T @ y))
