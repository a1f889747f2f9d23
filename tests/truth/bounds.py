"""How far each measured quantity may be from the truth, for files of 50,000 and of 5,000 events."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from tests.truth import measure
from tests.truth.measure import Found

PROMISED_ANGLES_DEG = np.array([2.96, 3.90])
"""Median and 68 % quantile of the space angle that the stated sigmas promise for heights of 0, 150, 300, 450 mm."""


@dataclass(frozen=True)
class Bound:
    """A measured value and the closed interval it has to lie in; ``shown`` is shown instead of the value, if given."""

    quantity: str
    value: float
    low: float
    high: float
    unit: str = ""
    shown: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value lies in the interval."""
        return self.low <= self.value <= self.high

    @property
    def name(self) -> str:
        """Quantity with its unit."""
        return f"{self.quantity} ({self.unit})" if self.unit else self.quantity

    @property
    def measured(self) -> str:
        """The value as people read it."""
        return self.shown or number(self.value)

    @property
    def interval(self) -> str:
        """The interval as people read it."""
        if self.low == self.high:
            return number(self.low)
        if self.low == 0:
            return f"<= {number(self.high)}"
        return f"{number(self.low)} .. {number(self.high)}"


def number(value: float) -> str:
    """Whole numbers with thousands, others with four significant digits."""
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def _at_most(quantity: str, value: float, high: float, unit: str = "") -> Bound:
    return Bound(quantity, float(value), 0.0, high, unit)


def _largest(values: measure.Array) -> float:
    return float(np.abs(values).max())


def calibration_bounds(found: Found) -> Iterator[Bound]:
    """Constants against the injected ones."""
    large = found.known.is_large
    limit = found.constants["crosstalk_limit_ns"].to_numpy()
    t_sum = measure.t_sum_errors_ps(found)
    corrections = measure.front_back_corrections_ns(found)
    links = measure.fit_quality(found)
    pedestal = measure.pedestal_errors_ns(found)
    yield _at_most("charge pedestal, largest error", _largest(pedestal), (0.06, 0.02)[large], "ns")
    yield _at_most("T dif offset, largest error", _largest(measure.t_dif_errors_ns(found)), (0.040, 0.012)[large], "ns")
    yield _at_most("front-back correction, largest", _largest(corrections), (0.25, 0.10)[large], "ns")
    yield _at_most("T sum offsets, rms error", float(t_sum.std()), (40, 15)[large], "ps")
    yield _at_most("T sum offsets, largest error", _largest(t_sum), (90, 40)[large], "ps")
    n_links = 70 if not large else 96 if found.known.has_default_heights else measure.n_pairs_crossed(found.known)
    yield Bound("links", links["n_links"], n_links, 96)
    yield _at_most("link rms", links["link_rms_ps"], (100, 35)[large], "ps")
    yield Bound("crosstalk limit, smallest", float(limit.min()), 1.05, 1.20, "ns")
    yield Bound("crosstalk limit, largest", float(limit.max()), 1.05, 1.20, "ns")
    tolerance = (25, 10)[large]
    yield Bound("coincidence resolution", links["crt_corrected_ps"], 500 - tolerance, 500 + tolerance, "ps")


def label_bounds(found: Found) -> Iterator[Bound]:
    """Topology of every event against the truth, and how many tracks are accepted."""
    large, events = found.known.is_large, found.events
    true = pl.col("true_tt")
    yield Bound("events", len(events), len(found.known.events), len(found.known.events))
    yield Bound("raw_tt true", measure.share(events, pl.col("raw_tt") == true), 100, 100, "%")
    yield Bound("clean_tt true", measure.share(events, pl.col("clean_tt") == true), 99.99, 100, "%")
    yield Bound("list_tt true", measure.share(events, pl.col("list_tt") == true), (97, 98.5)[large], 100, "%")
    yield Bound("accepted tracks", measure.share(events, pl.col("is_track")), 99, 100, "%")


def angle_bounds(found: Found) -> Iterator[Bound]:
    """Directions of tracks with four planes.

    The bounds of the angles are numbers for heights of 0, 150, 300, 450 mm. The angles go with the sigmas of the
    slopes, so for other heights these numbers are multiplied by what the stated sigmas promise there, over what they
    promise for 0, 150, 300, 450 mm.
    """
    large, events = found.known.is_large, found.four_planes
    angles = measure.space_angles_deg(events)
    ratio = np.ones(2)
    if not found.known.has_default_heights:
        ratio = np.quantile(measure.stated_space_angles_deg(events), [0.5, 0.68]) / PROMISED_ANGLES_DEG
    low, high = ((2.5, 3.3), (2.7, 3.1))[large]
    yield Bound("space angle, median", float(np.median(angles)), ratio[0] * low, ratio[0] * high, "deg")
    yield _at_most("space angle, 68 %", float(np.quantile(angles, 0.68)), ratio[1] * (4.4, 4.0)[large], "deg")
    bias = ((-0.6, 0.2), (-0.4, 0.0))[large]
    yield Bound("theta bias", float(measure.theta_errors_deg(events).mean()), *bias, "deg")


def track_bounds(found: Found) -> Iterator[Bound]:
    """Speed and stated errors of tracks with four planes."""
    large, events = found.known.is_large, found.four_planes
    tolerance = (0.06, 0.02)[large]
    yield Bound("mean of S0 c", float(measure.slowness_c(events).mean()), 1 - tolerance, 1 + tolerance)
    low, high = ((0.85, 1.15), (0.92, 1.08))[large]
    for name in ("x_slope", "y_slope", "t_slope_ns_per_mm"):
        short = name.removesuffix("_ns_per_mm")
        yield Bound(f"pull of {short}, spread", float(measure.pulls(events, name).std()), low, high)
    chi2 = float((events["chi2"] / events["ndf"]).to_numpy().mean())
    yield Bound("mean chi2 / ndf", chi2, *((0.80, 1.15), (0.85, 1.05))[large])


def efficiency_bounds(found: Found) -> Iterator[Bound]:
    """Efficiencies of the planes against the share of the tracks through all four that fired them."""
    limit = (3, 2)[found.known.is_large]
    for one in measure.efficiencies(found):
        shown = f"{one.value:.3f} for {one.true:.3f}, {one.pull:+.1f}"
        yield Bound(f"efficiency {one.plane}, {one.method}", one.pull, -limit, limit, "sigma", shown)


def live_bounds(found: Found) -> Iterator[Bound]:
    """Live time and events kept."""
    live = measure.live(found)
    seconds, n_kept = measure.expected_live(found)
    yield Bound("live seconds", live["live_s"], seconds, seconds, "s")
    yield Bound("dead or outlying seconds", live["flagged_s"], 0, 0, "s")
    yield Bound("events kept", live["n_kept"], n_kept, n_kept)


PARTS: dict[str, Callable[[Found], Iterator[Bound]]] = {
    "calibration": calibration_bounds,
    "labels": label_bounds,
    "angles": angle_bounds,
    "track": track_bounds,
    "efficiency": efficiency_bounds,
    "live time": live_bounds,
}
"""The bounds in the order of the models."""


def all_bounds(found: Found) -> list[Bound]:
    """Every bound of a file, in the order of the models."""
    return [bound for part in PARTS.values() for bound in part(found)]
