"""The natural cubic spline through the table of charge against pulse width."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SEGMENT_TYPES: dict[str, pa.DataType] = {
    "segment": pa.int8(),
    "x0_ns": pa.float64(),
    "c0": pa.float64(),
    "c1": pa.float64(),
    "c2": pa.float64(),
    "c3": pa.float64(),
}
SEGMENT_SCHEMA = pa.schema(SEGMENT_TYPES)


def natural_spline(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of the natural cubic spline through (x, y).

    Parameters
    ----------
    x, y
        The n >= 3 points, ``x`` strictly increasing.

    Returns
    -------
    Array (n - 1, 4) of c0..c3, so that y = c0 + d (c1 + d (c2 + d c3)) with d = x - x[i] in segment i. The second
    derivative is continuous, and 0 at both ends.

    Raises
    ------
    ValueError
        When there are fewer than three points or ``x`` does not increase.
    """
    h = np.diff(x)
    if len(x) < 3 or np.any(h <= 0):
        raise ValueError("a spline needs at least three points with increasing x")
    slope = np.diff(y) / h
    system = np.diag(2 * (h[:-1] + h[1:])) + np.diag(h[1:-1], 1) + np.diag(h[1:-1], -1)
    curvature = np.zeros(len(x))
    curvature[1:-1] = np.linalg.solve(system, 6 * np.diff(slope))
    left, right = curvature[:-1], curvature[1:]
    return np.column_stack([y[:-1], slope - h * (2 * left + right) / 6, left / 2, (right - left) / (6 * h)])


def fit_segments(points: pa.Table) -> pa.Table:
    """Segments of the charge curve.

    Parameters
    ----------
    points
        ``width_ns`` (ns) and ``charge_fc`` (fC), in any order.

    Returns
    -------
    One row a segment, numbered from 0: start ``x0_ns`` and ``c0`` (fC) .. ``c3`` (fC/ns^3).
    """
    ordered = points.sort_by("width_ns")
    x = ordered["width_ns"].to_numpy().astype(np.float64)
    y = ordered["charge_fc"].to_numpy().astype(np.float64)
    c = natural_spline(x, y)
    columns = [np.arange(len(c), dtype=np.int8), x[:-1], *c.T]
    return pa.table([pa.array(column) for column in columns], schema=SEGMENT_SCHEMA)
