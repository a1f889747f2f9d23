"""Ridge regression whose penalty is chosen by leaving out months in turn, and its skill."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PENALTIES: Array = np.logspace(-2, 4, 13)
N_BOOTSTRAPS = 500
SEED = 20250101


class Linear(NamedTuple):
    """A linear law: ``slope`` (p,) in units of y per unit of x, and ``intercept``."""

    slope: Array
    intercept: float

    def of(self, x: Array) -> Array:
        """Values (n,) of the law at x (n, p)."""
        return np.asarray(x @ self.slope + self.intercept)


def least_squares(x: Array, y: Array) -> Linear:
    """Ordinary least squares of y (n,) on the columns of x (n, p) and a constant."""
    mean = x.mean(axis=0)
    slope, *_ = np.linalg.lstsq(x - mean, y - y.mean(), rcond=None)
    return Linear(slope, float(y.mean() - mean @ slope))


def ridge(x: Array, y: Array, month: NDArray[np.int64]) -> tuple[Linear, float]:
    """Ridge regression of y on x, and its penalty.

    Minimises sum (y - a - z b)^2 + penalty * sum b^2, z the columns of x with mean 0 and standard deviation 1 on the
    rows used (Hoerl and Kennard 1970, doi:10.1080/00401706.1970.10488634); the constant is not penalised. The penalty
    of `PENALTIES` is the one that predicts best the months left out in turn, each from the standardised other months;
    of equals the largest.

    Parameters
    ----------
    x, y, month
        (n, p), (n,), (n,) number of the month of each row.

    Raises
    ------
    numpy.linalg.LinAlgError
        When a column does not vary in the rows without one month, or there is a single month.
    """
    centre, spread = x.mean(axis=0), x.std(axis=0)
    if not (spread > 1e-12 * np.abs(x).max(axis=0)).all():
        raise np.linalg.LinAlgError("a feature does not vary")
    level = float(y.mean())
    rows = np.column_stack([np.ones(len(y)), (x - centre) / spread, y - level])
    parts = [rows[month == m] for m in np.unique(month)]
    if len(parts) < 2:
        raise np.linalg.LinAlgError("a single month has no other to be predicted from")
    moments = np.stack([part.T @ part for part in parts])
    total = moments.sum(axis=0)
    error = sum((_left_out_error(total - left, left) for left in moments), np.zeros(len(PENALTIES)))
    best = len(PENALTIES) - 1 - int(np.argmin(error[::-1]))
    constant, *slope = _solve(total)[best]
    scaled = np.array(slope) / spread
    return Linear(scaled, float(level + constant - centre @ scaled)), float(PENALTIES[best])


def _solve(moment: Array) -> Array:
    """Constant and slopes (penalty, 1 + p) from the moments (2 + p, 2 + p) of the columns 1, x, y."""
    n = moment[0, 0]
    mean, y_mean = moment[0, 1:-1] / n, moment[0, -1] / n
    scatter = moment[1:-1, 1:-1] - n * np.outer(mean, mean)
    spread = np.sqrt(np.diag(scatter) / n)
    if not (spread > 1e-6).all():
        raise np.linalg.LinAlgError("a feature varies in one month only")
    values, vectors = np.linalg.eigh(scatter / np.outer(spread, spread))
    push = vectors.T @ ((moment[1:-1, -1] - n * mean * y_mean) / spread)
    slope = (push / (np.maximum(values, 0) + PENALTIES[:, None])) @ vectors.T / spread
    return np.column_stack([y_mean - slope @ mean, slope])


def _left_out_error(kept: Array, left: Array) -> Array:
    """Sum of squared errors (penalty,) of the month with moments ``left``, predicted from the rows of ``kept``."""
    law = np.column_stack([-_solve(kept), np.ones(len(PENALTIES))])
    return np.asarray(np.einsum("ki,ij,kj->k", law, left, law))


class Skill(NamedTuple):
    """1 - MSE of the one / MSE of the other, with the 2.5 % and 97.5 % quantiles of its bootstraps."""

    value: float
    low: float
    high: float


def skill(residual: Array, other: Array, block: NDArray[np.int64]) -> Skill:
    """How much smaller the squared residuals (n,) are than those of another law on the same rows.

    The interval draws whole blocks of neighbouring rows, whose residuals are correlated, 500 times (Künsch 1989,
    doi:10.1214/aos/1176347265, here with fixed blocks). NaN where the other law leaves nothing.
    """
    _, number_of = np.unique(block, return_inverse=True)
    n_blocks = int(number_of.max()) + 1
    sums = np.stack([np.bincount(number_of, r**2, minlength=n_blocks) for r in (residual, other)])
    drawn = np.random.default_rng(SEED).integers(0, n_blocks, size=(N_BOOTSTRAPS, n_blocks))
    mine, theirs = sums[:, drawn].sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.quantile(1 - mine / theirs, (0.025, 0.975))
        return Skill(float(1 - sums[0].sum() / sums[1].sum()), float(low), float(high))
