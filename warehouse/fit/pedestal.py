"""Charge pedestals: where the spectrum of pulse widths of a strip end begins."""

import numpy as np
from numpy.typing import NDArray

from warehouse.fit.histogram import Dense

REBINNING = (1, 2, 4, 10, 20)
"""Numbers of bins merged, tried in this order: coarser bins where the statistics is low."""

ALIGN = 20
"""Dense histograms must begin and end at multiples of this, so that every rebinning fits."""


def fit_pedestals(
    spectra: Dense,
    *,
    bin_ns: float,
    edge_rel: float,
    edge_abs: float,
    edge_run: int,
    edge_bin_min: float,
    min_entries: float,
    threshold_width_ns: float,
) -> NDArray[np.float64]:
    """Pedestals of the 16 ends of one side of a file.

    The edge is the first of ``edge_run`` consecutive bins that all reach a threshold: ``edge_rel`` of the second
    largest bin (so that one hot bin does not count) and at least ``edge_abs``. Inside its bin it is placed by the ratio
    to the next bin. The first run is taken, not the longest one, which may begin much higher. The pedestal lies below
    the edge by the smallest width the discriminator passes, so that a calibrated width of zero means no width at all.

    Parameters
    ----------
    spectra
        Counts of pulse widths (ns) in bins of ``bin_ns``, aligned to `ALIGN` bins.

    Returns
    -------
    Array (16,) of pedestals in ns, NaN where there are too few entries or no edge.
    """
    pedestal = np.full(len(spectra.counts), np.nan)
    is_open = spectra.counts.sum(axis=1) >= min_entries
    for k in REBINNING:
        channels = np.flatnonzero(is_open)
        if not len(channels):
            break
        h = spectra.counts[channels].reshape(len(channels), -1, k).sum(axis=2)
        start, is_found = _first_run(h, edge_rel, edge_abs, edge_run, edge_bin_min)
        rows = np.flatnonzero(is_found)
        s = start[rows]
        following = h[rows, np.minimum(s + 1, h.shape[1] - 1)]
        part = np.minimum(1.0, h[rows, s] / following)
        edge = (spectra.first_bin + (s + 1 - part) * k) * bin_ns
        pedestal[channels[rows]] = edge - threshold_width_ns
        is_open[channels[rows]] = False
    return pedestal


def _first_run(
    h: NDArray[np.float64], edge_rel: float, edge_abs: float, run: int, bin_min: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """First bin of the first run in each row of ``h`` (m, n), and whether there is one with enough content."""
    m, n = h.shape
    if n < max(run, 2):
        return np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.bool_)
    threshold = np.maximum(edge_rel * _second_largest(h), edge_abs)
    reached = np.cumsum(np.pad(h >= threshold[:, None], ((0, 0), (1, 0))), axis=1)
    is_run: NDArray[np.bool_] = reached[:, run:] - reached[:, :-run] == run
    start = is_run.argmax(axis=1)
    content = np.median(h[np.arange(m)[:, None], start[:, None] + np.arange(run)], axis=1)
    return start, is_run.any(axis=1) & (content >= bin_min)


def _second_largest(h: NDArray[np.float64]) -> NDArray[np.float64]:
    """The second largest content of each row; much faster than a partition of rows that are mostly zeros."""
    rest = h.copy()
    rest[np.arange(len(h)), h.argmax(axis=1)] = -np.inf
    return np.asarray(rest.max(axis=1))
