"""Time window scan: the share of plane times inside a window around the mean time of their event, against its width.

It rises like the integral of a Gaussian whose width is the spread of the times; what goes on rising is background.
"""

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from warehouse.fit.histogram import integers

Array = NDArray[np.float64]

BIN_NS = 0.02
"""Bins of `int_time_scan_histogram`."""

WIDTHS_NS = np.linspace(0.0, 6.0, 20)
"""Full widths of the windows."""

MIN_EVENTS = 100
MIN_HEIGHT = 0.01
START = (1.0, 1.0, 0.5, 0.02)
"""First values of height, centre (ns), width (ns) and slope (1/ns)."""

SCAN_TYPES: dict[str, pa.DataType] = {
    "file_id": pa.int64(),
    "tt": pa.int16(),
    "n_events": pa.int64(),
    "share_in_window": pa.list_(pa.float64()),
    "sigmoid_height": pa.float64(),
    "sigmoid_center_ns": pa.float64(),
    "sigmoid_width_ns": pa.float64(),
    "background_slope_per_ns": pa.float64(),
    "scan_status": pa.string(),
}
SCAN_SCHEMA = pa.schema(SCAN_TYPES)


class Rise(NamedTuple):
    """S/2 (1 + erf((w - w0) / (sqrt(2) s))) + B w: height S, centre w0 (ns), width s (ns), slope B (1/ns)."""

    height: float
    center: float
    width: float
    slope: float


def rise(w: Array, height: float, center: float, width: float, slope: float) -> Array:
    """The curve of `Rise` at the window widths ``w`` (ns)."""
    from scipy.special import erf

    return np.asarray(height / 2 * (1 + erf((w - center) / (np.sqrt(2) * width))) + slope * w)


def share_in_window(bins: NDArray[np.int64], n: NDArray[np.float64]) -> Array:
    """Times within half of each of `WIDTHS_NS` of the mean, as a share of those in the widest window (0 if none is).

    Parameters
    ----------
    bins, n
        Bins of |t - mean| (index on the grid of `BIN_NS`, from 0) and their entries, spread evenly inside a bin.
    """
    inside = np.concatenate([[0.0], np.cumsum(np.bincount(bins, weights=n))])
    edges = np.arange(len(inside)) * BIN_NS
    found = np.interp(WIDTHS_NS / 2, edges, inside)
    return np.asarray(found / max(float(found.max()), 1.0))


def fit_rise(share: Array) -> Rise | None:
    """Least squares of `rise` on the shares at `WIDTHS_NS`; None when nothing rises or the fit does not converge."""
    # takes half a second, and most runs have nothing to fit
    from scipy.optimize import OptimizeWarning, curve_fit

    with warnings.catch_warnings():
        warnings.simplefilter("error", OptimizeWarning)
        try:
            found, _ = curve_fit(rise, WIDTHS_NS, share, p0=START)
        except (RuntimeError, OptimizeWarning):
            return None
    height, center, width, slope = found.tolist()
    return Rise(height, center, abs(width), slope) if height > MIN_HEIGHT else None


def fit_windows(histogram: pa.Table) -> pa.Table:
    """Time window scans of every file and label.

    Parameters
    ----------
    histogram
        Rows of `int_time_scan_histogram` (file_id, tt, bin_index, n).

    Returns
    -------
    One row for each file and label of at least `MIN_EVENTS` events. ``scan_status`` is ``ok``, or ``failed`` with the
    fitted values NULL.
    """
    return pa.Table.from_pylist(list(_scans(histogram)), schema=SCAN_SCHEMA)


def _scans(histogram: pa.Table) -> Iterator[dict[str, Any]]:
    for key in histogram.group_by(["file_id", "tt"]).aggregate([("n", "sum")]).sort_by("file_id").to_pylist():
        n_events = int(key["n_sum"]) // len(str(key["tt"]))
        if n_events < MIN_EVENTS:
            continue
        rows = histogram.filter((pc.field("file_id") == key["file_id"]) & (pc.field("tt") == key["tt"]))
        share = share_in_window(integers(rows, "bin_index"), rows["n"].to_numpy().astype(np.float64))
        fit = fit_rise(share)
        yield {
            "file_id": key["file_id"],
            "tt": key["tt"],
            "n_events": n_events,
            "share_in_window": share.tolist(),
            "scan_status": "failed" if fit is None else "ok",
        } | ({} if fit is None else _columns(fit))


def _columns(fit: Rise) -> dict[str, float]:
    return {
        "sigmoid_height": fit.height,
        "sigmoid_center_ns": fit.center,
        "sigmoid_width_ns": fit.width,
        "background_slope_per_ns": fit.slope,
    }
