"""Time sum offsets: one number a strip, solved from the time differences of all pairs of strips in different planes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from warehouse.fit.histogram import N_CHANNELS

Array = NDArray[np.float64]

GAUGE_CHANNEL = 0
"""Plane 1, strip 1: its offset is 0."""

CRT_QUANTILES = (0.03, 0.97)
CRT_TRUNCATION = 0.85306
"""Standard deviation of a Gaussian cut at these quantiles, as a share of the whole."""

CRT_MIN_ENTRIES = 100


class Links(NamedTuple):
    """Pairs of strips (channels 0..15) and their histograms (m, n) of time differences; centres of the bins in ns."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    counts: Array
    centres: Array


class TimeSums(NamedTuple):
    """Offsets (16, ns; NaN outside the largest connected part), their formal errors (ns) and the quality of the fit."""

    offset: Array
    sigma: Array
    n_links: NDArray[np.int64]
    gauge_channel: int
    rms: float
    chi2_ndf: float
    n_components: int
    last_change: float


def fit_time_sums(
    links: Links, *, first_window: float, window: float, passes: int, min_entries: float
) -> TimeSums | None:
    """Offsets o that minimise the sum over links of n (D - (o_b - o_a))^2, with that of one strip fixed at 0.

    D is first the median inside ``first_window``, since the offsets may differ by more than the width of the
    distributions; then, ``passes`` times, the mean inside ``window`` around the difference of the offsets found before.
    Only strips connected by links of at least ``min_entries`` can be compared; of several connected parts the largest
    is taken (of equally large ones that of the lowest strip).

    Returns
    -------
    None when no link has enough entries. ``gauge_channel`` is plane 1 strip 1, or the lowest connected strip.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the offsets are not determined.
    """
    value, n, spread = _inside(links, np.zeros(len(links.a)), first_window, use_median=True)
    solution = _solve(links, value, n, min_entries)
    if solution is None:
        return None
    offset, change, n_components = solution.offset, np.inf, solution.n_components
    for _ in range(passes):
        value, n, spread = _inside(links, _filled(offset[links.b] - offset[links.a]), window, use_median=False)
        following = _solve(links, value, n, min_entries)
        if following is None:
            return None
        change = float(np.nanmax(np.abs(following.offset - offset)))
        solution, offset = following, following.offset
    return _judged(links, solution._replace(n_components=n_components), value, n, spread, change)


class _Solution(NamedTuple):
    offset: Array
    inverse: Array
    used: NDArray[np.bool_]
    gauge_channel: int
    n_components: int


def _filled(difference: Array) -> Array:
    """Window centres; a link with an end that has no offset gets an empty window."""
    return np.where(np.isnan(difference), np.inf, difference)


def _inside(links: Links, middle: Array, half: float, *, use_median: bool) -> tuple[Array, Array, Array]:
    """Value, entries and standard deviation of each link inside a window."""
    counts = np.where(np.abs(links.centres[None, :] - middle[:, None]) <= half, links.counts, 0.0)
    n = counts.sum(axis=1)
    weight = counts / np.maximum(n, 1)[:, None]
    mean = weight @ links.centres
    spread = np.sqrt(np.maximum(weight @ links.centres**2 - mean**2, 0.0))
    return (_quantile(counts, links.centres, 0.5) if use_median else mean), n, spread


def _quantile(counts: Array, centres: Array, quantile: float) -> Array:
    """Quantile of each row, with the entries spread evenly inside their bin."""
    width = centres[1] - centres[0]
    total = np.cumsum(counts, axis=1)
    wanted = quantile * total[:, -1]
    index = np.argmax(total >= np.maximum(wanted, 1e-9)[:, None], axis=1)
    rows = np.arange(len(counts))
    inside = np.maximum(counts[rows, index], 1e-9)
    part = (wanted - (total[rows, index] - counts[rows, index])) / inside
    return np.asarray(centres[index] + (np.clip(part, 0.0, 1.0) - 0.5) * width)


def _components(links: Links, is_used: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of the connected part of each channel, -1 for a channel without a link."""
    part = np.full(N_CHANNELS, -1)
    part[links.a[is_used]] = links.a[is_used]
    part[links.b[is_used]] = links.b[is_used]
    for _ in range(N_CHANNELS):
        for a, b in zip(links.a[is_used], links.b[is_used], strict=True):
            part[a] = part[b] = min(part[a], part[b])
    return part


def _solve(links: Links, value: Array, n: Array, min_entries: float) -> _Solution | None:
    is_used = n >= min_entries
    if not is_used.any():
        return None
    part = _components(links, is_used)
    numbers, sizes = np.unique(part[part >= 0], return_counts=True)
    largest = numbers[np.argmax(sizes)]
    members = np.flatnonzero(part == largest)
    is_used &= part[links.a] == largest
    gauge = GAUGE_CHANNEL if part[GAUGE_CHANNEL] == largest else int(members[0])
    free = members[members != gauge]
    design = np.zeros((int(is_used.sum()), N_CHANNELS))
    rows = np.arange(len(design))
    design[rows, links.b[is_used]] = 1.0
    design[rows, links.a[is_used]] = -1.0
    weighted = design[:, free] * n[is_used][:, None]
    inverse = np.linalg.inv(design[:, free].T @ weighted)
    offset = np.full(N_CHANNELS, np.nan)
    offset[gauge] = 0.0
    offset[free] = inverse @ (weighted.T @ value[is_used])
    variance = np.full(N_CHANNELS, np.nan)
    variance[gauge] = 0.0
    variance[free] = np.diag(inverse)
    return _Solution(offset, variance, is_used, gauge, len(numbers))


def _judged(links: Links, solution: _Solution, value: Array, n: Array, spread: Array, change: float) -> TimeSums:
    used = solution.used
    residual = value[used] - (solution.offset[links.b[used]] - solution.offset[links.a[used]])
    s = float(np.median(spread[used]))
    squares = float((n[used] * residual**2).sum())
    ndf = int(used.sum()) - (int(np.isfinite(solution.offset).sum()) - 1)
    per_channel = np.bincount(links.a[used], minlength=N_CHANNELS) + np.bincount(links.b[used], minlength=N_CHANNELS)
    return TimeSums(
        offset=solution.offset,
        sigma=s * np.sqrt(solution.inverse),
        n_links=per_channel,
        gauge_channel=solution.gauge_channel,
        rms=float(np.sqrt(squares / n[used].sum())),
        chi2_ndf=squares / s**2 / ndf if ndf > 0 and s > 0 else float("nan"),
        n_components=solution.n_components,
        last_change=change,
    )


def coincidence_resolution(links: Links) -> float:
    """Coincidence time resolution of one plane in ns, NaN without a link of enough entries.

    Standard deviation of the time differences of a link between two quantiles, over the square root of two; mean over
    the links, weighted with their entries. Divided by `CRT_TRUNCATION` it is that of a Gaussian without the cut.
    """
    total = links.counts.sum(axis=1)
    is_used = total >= CRT_MIN_ENTRIES
    if not is_used.any():
        return float("nan")
    counts = links.counts[is_used]
    kept = _between(counts, *CRT_QUANTILES)
    n = kept.sum(axis=1)
    mean = kept @ links.centres / n
    variance = kept @ links.centres**2 / n - mean**2
    return float((np.sqrt(variance / 2) * total[is_used]).sum() / total[is_used].sum())


def _between(counts: Array, low: float, high: float) -> Array:
    """Entries between two quantiles of each row; bins on a border keep the share inside."""
    total = np.cumsum(counts, axis=1)
    before = total - counts
    first, last = low * total[:, -1:], high * total[:, -1:]
    return np.asarray(np.clip(np.minimum(total, last) - np.maximum(before, first), 0.0, None))
