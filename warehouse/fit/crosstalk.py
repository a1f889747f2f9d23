"""The crosstalk peak: strips that only feel their neighbour pile up near charge zero, as a Gaussian on a line."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MU_BOUNDS = (-1.0, 3.0)
SIGMA_BOUNDS = (0.25, 1.0)
"""Bounds of centre and width of the peak, ns."""

MIN_PEAK_TO_LINE = 3.0
LIMIT_SIGMAS = 3.0
PEDESTAL_SIGMAS = 2.0

MAX_MOVE_NS = 0.1
"""Centre and width move no further in one step, so that a fit does not jump over the peak."""

MAX_STEPS = 200
TOLERANCE = 1e-10


class Peaks(NamedTuple):
    """Fitted peaks of m histograms: centre and width (ns), whether each fit converged and whether it is accepted."""

    mu: Array
    sigma: Array
    is_converged: NDArray[np.bool_]
    is_accepted: NDArray[np.bool_]


def fit_peaks(counts: Array, centres: Array) -> Peaks:
    """Fit A exp(-(q - mu)^2 / 2 s^2) + m q + b to every row of ``counts`` at once.

    Least squares by Levenberg and Marquardt with bounds: a parameter at a bound that wants to leave it is held there
    for the step, and steps are cut at the bounds. A peak is accepted when the fit has converged, its height is at
    least three times the line below it, and centre and width are not both at a bound.

    Parameters
    ----------
    counts
        Entries (m, n) per bin.
    centres
        Centres of the bins (n), ns.
    """
    low, high, theta = _start(counts)
    cost = _cost(counts, centres, theta)
    damping = np.full(len(counts), 1e-3)
    is_converged = np.zeros(len(counts), dtype=np.bool_)
    for _ in range(MAX_STEPS):
        trial = np.clip(theta + _step(counts, centres, theta, low, high, damping), low, high)
        trial_cost = _cost(counts, centres, trial)
        is_better = (trial_cost <= cost) & ~is_converged
        is_converged |= (is_better & (cost - trial_cost <= TOLERANCE * (cost + 1e-300))) | (damping > 1e12)
        theta = np.where(is_better[:, None], trial, theta)
        cost = np.where(is_better, trial_cost, cost)
        damping = np.where(is_better, np.maximum(damping / 5, 1e-12), damping * 4)
        if is_converged.all():
            break
    height, mu, sigma, slope, base = theta.T
    is_high = height >= MIN_PEAK_TO_LINE * (slope * mu + base)
    is_stuck = _at_bound(mu, MU_BOUNDS) & _at_bound(sigma, SIGMA_BOUNDS)
    return Peaks(mu, sigma, is_converged, is_converged & is_high & (height > 0) & ~is_stuck)


def _start(counts: Array) -> tuple[Array, Array, Array]:
    """Lower bounds, upper bounds and first values (m, 5) of height, centre, width, slope and base."""
    top, bottom = counts.max(axis=1), counts.min(axis=1)
    one, wide = np.ones_like(top), np.full_like(top, np.inf)
    low = np.column_stack([0 * one, MU_BOUNDS[0] * one, SIGMA_BOUNDS[0] * one, -wide, -wide])
    high = np.column_stack([2 * top + 1, MU_BOUNDS[1] * one, SIGMA_BOUNDS[1] * one, wide, wide])
    return low, high, np.column_stack([top, 0.3 * one, 0.5 * one, 0 * one, bottom])


def _parts(centres: Array, theta: Array) -> tuple[Array, Array]:
    """Distance from the centre in widths, and the Gaussian of height one, both (m, n)."""
    u = (centres - theta[:, 1:2]) / theta[:, 2:3]
    return u, np.exp(-0.5 * u * u)


def _residual(counts: Array, centres: Array, theta: Array, bell: Array) -> Array:
    return theta[:, 0:1] * bell + theta[:, 3:4] * centres + theta[:, 4:5] - counts


def _cost(counts: Array, centres: Array, theta: Array) -> Array:
    residual = _residual(counts, centres, theta, _parts(centres, theta)[1])
    return np.asarray((residual**2).sum(axis=1))


def _step(counts: Array, centres: Array, theta: Array, low: Array, high: Array, damping: Array) -> Array:
    u, bell = _parts(centres, theta)
    scaled = theta[:, 0:1] * bell / theta[:, 2:3]
    line = np.broadcast_to(centres, bell.shape)
    jacobian = np.stack([bell, scaled * u, scaled * u * u, line, np.ones_like(bell)], axis=2)
    gradient = np.einsum("mnp,mn->mp", jacobian, _residual(counts, centres, theta, bell))
    normal = np.einsum("mnp,mnq->mpq", jacobian, jacobian)
    is_held = ((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0))
    normal[is_held[:, :, None] | is_held[:, None, :]] = 0.0
    diagonal = np.einsum("mpp->mp", normal)
    diagonal[...] = np.where(is_held, 1.0, diagonal * (1 + damping[:, None]) + 1e-12)
    step = np.linalg.solve(normal, np.where(is_held, 0.0, -gradient)[:, :, None])[:, :, 0]
    longest = np.abs(step[:, 1:3]).max(axis=1)
    return np.asarray(step * np.minimum(1.0, MAX_MOVE_NS / np.maximum(longest, 1e-12))[:, None])


def _at_bound(values: Array, bounds: tuple[float, float]) -> NDArray[np.bool_]:
    return (values <= bounds[0]) | (values >= bounds[1])
