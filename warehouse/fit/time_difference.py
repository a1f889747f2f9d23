"""Time difference offsets: the middle of the box that hits spread evenly along a strip make."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Box(NamedTuple):
    """A box in a histogram: its middle and its width, ns."""

    middle: float
    width: float


def fit_box(
    counts: NDArray[np.float64],
    centres: NDArray[np.float64],
    *,
    raw_max_ns: float,
    window_ns: float,
    core_ns: float,
    level: float,
    min_entries: float,
) -> Box | None:
    """The box in one histogram of time differences, or None with too few entries or without two edges.

    The edges lie where the smoothed histogram crosses ``level`` of the plateau, on both sides of the longest run above
    it. They depend on neither the shape inside the box nor a flat background, as a mean would.

    Parameters
    ----------
    counts, centres
        Entries and centres (ns) of adjacent bins of equal width.
    raw_max_ns, window_ns, core_ns
        Limit of what may enter the median; half width around the median of what is kept, and of the plateau.
    """
    middle = _median(np.where(np.abs(centres) < raw_max_ns, counts, 0.0), centres)
    distance = np.abs(centres - middle)
    kept = np.where(distance < window_ns, counts, 0.0)
    if np.isnan(middle) or kept.sum() < min_entries:
        return None
    padded = np.concatenate([[0.0, 0.0], kept, [0.0, 0.0]])
    smooth = np.convolve(padded, np.full(3, 1 / 3), mode="same")
    threshold = level * float(np.median(counts[distance < core_ns]))
    if threshold <= 0:
        return None
    first, last = _longest_run(smooth >= threshold)
    if first < 1 or last > len(smooth) - 2:
        return None
    width = float(centres[1] - centres[0])
    left = first - 1 + (threshold - smooth[first - 1]) / (smooth[first] - smooth[first - 1])
    right = last + (smooth[last] - threshold) / (smooth[last] - smooth[last + 1])
    origin = float(centres[0]) - 2 * width
    return Box(origin + (left + right) / 2 * width, (right - left) * width)


def _median(counts: NDArray[np.float64], centres: NDArray[np.float64]) -> float:
    total = np.cumsum(counts)
    if total[-1] <= 0:
        return float("nan")
    return float(centres[np.searchsorted(total, total[-1] / 2)])


def _longest_run(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last index of the longest run of true values, the first of equally long ones; (-1, -1) without any."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    if not len(edges):
        return -1, -1
    starts, stops = edges[::2], edges[1::2]
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest]) - 1
