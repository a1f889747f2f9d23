"""What the planes make of a track: charges, cross-talk, times, offsets, thresholds.

Values are kept as integers of 0.0001 ns, the resolution of the text, in the column order of the file:
block 4 - plane, then T front, T back, Q front, Q back, then strip. 0 means no value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.config import OffsetSet
from simulate.geometry import (
    EDGES_MM,
    N_PLANES,
    N_STRIPS,
    SPEED_OF_LIGHT_MM_PER_NS,
    STRIP_SPEED_MM_PER_NS,
    strip_of,
)
from simulate.track import path_factor
from simulate.trigger import Triggered

TICKS_PER_NS = 10_000
THRESHOLD_NS = 0.13792
SIGMA_X_MM = 10.0
SIGMA_Y_MM = 3.0
SIGMA_T_NS = 0.5
SIGMA_WIDTH_NS = 0.397
SIGMA_END_NS = float(np.hypot(0.030, 0.016))
JITTER_NS = 10.0
SHARING_MM = 2.8
SHARING_GROWTH = 0.15
"""Reach of the sharing between strips for a charge of the median, and the power of the charge it grows with.

With SIGMA_Y_MM, by which the signal wanders across the strips, they give the shares of single strips, and the rms of y,
that the independent simulation of the telescope shows."""
N_VALUES = 64

CHARGE_QUANTILE = np.array([0.0, 0.01, 0.02, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1.0])
CHARGE_NS = np.array([0.05, 1.0, 1.5, 2.8, 5.0, 11.4, 22.6, 44.2, 88.0, 139.0, 257.0, 440.0])
"""Quantiles of the pulse width of a plane (mean of both ends), ns: mean 39, 8 % above 100 ns."""
MEDIAN_CHARGE_NS = float(np.interp(0.5, CHARGE_QUANTILE, CHARGE_NS))

LADDER_T_FRONT = [-130, -128, -126, -124, -129, -127, -125, -123, -128, -126, -124, -122, -127, -125, -123, -121]
LADDER_T_BACK = [-131, -129, -127, -127, -128, -128, -127, -126, -129, -127, -126, -125, -126, -126, -125, -124]
LADDER_Q_FRONT = [85, 87, 89, 91, 86, 88, 90, 92, 87, 89, 91, 93, 88, 90, 92, 94]
LADDER_Q_BACK = [86, 88, 90, 92, 87, 89, 91, 93, 88, 90, 92, 94, 89, 91, 93, 95]
REAL_T_DIF = [-0.0573, 0.0313, 1.0339, 0.7615, -0.9140, -0.8740, -0.1982, 0.4520]
REAL_T_DIF += [0.8769, 1.2008, 1.0140, 2.4392, 1.5088, 2.0864, 1.6876, 3.0236]
REAL_T_SUM = [0.0, -0.3886, -0.5302, 0.3371, -0.8049, -0.6884, -2.0129, -1.1348]
REAL_T_SUM += [-0.2390, -0.5137, 0.5085, 0.1169, 0.3359, 1.0833, 0.9141, 0.5882]
REAL_Q_MEAN = [89.4319, 98.1961, 95.9906, 91.8388, 96.5578, 94.5039, 94.9254, 91.0775]
REAL_Q_MEAN += [92.1299, 92.2340, 90.6055, 95.5214, 93.7564, 93.5743, 93.0706, 89.2731]
REAL_Q_DIF = [4.5120, 0.5872, 1.3204, -1.3918, -4.5089, 0.9180, -3.3945, -0.1233]
REAL_Q_DIF += [-3.8931, -3.2852, 3.2730, 1.0554, -2.2951, 0.0120, 2.4905, -2.1457]
REAL_T_SUM_LEVEL_NS = -127.0


@dataclass(frozen=True)
class Offsets:
    """Cable offsets and charge pedestals, ns, each of shape (4 planes, 4 strips)."""

    t_front: NDArray[np.float64]
    t_back: NDArray[np.float64]
    q_front: NDArray[np.float64]
    q_back: NDArray[np.float64]

    @property
    def t_sum(self) -> NDArray[np.float64]:
        """Half sum of the time offsets, ns."""
        return (self.t_front + self.t_back) / 2

    @property
    def t_dif(self) -> NDArray[np.float64]:
        """Half difference back minus front of the time offsets, ns."""
        return (self.t_back - self.t_front) / 2


def _grid(values: list[float] | list[int] | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).reshape(N_PLANES, N_STRIPS)


def make_offsets(kind: OffsetSet, rng: np.random.Generator) -> Offsets:
    """The offsets of a set; only ``random`` uses the generator."""
    if kind == "ladder":
        return Offsets(_grid(LADDER_T_FRONT), _grid(LADDER_T_BACK), _grid(LADDER_Q_FRONT), _grid(LADDER_Q_BACK))
    if kind == "real":
        t_sum, t_dif = _grid(REAL_T_SUM) + REAL_T_SUM_LEVEL_NS, _grid(REAL_T_DIF)
        q_mean, q_half = _grid(REAL_Q_MEAN), _grid(REAL_Q_DIF) / 2
        return Offsets(t_sum - t_dif, t_sum + t_dif, q_mean + q_half, q_mean - q_half)
    t_sum = rng.uniform(-131.0, -123.0, (N_PLANES, N_STRIPS))
    t_dif = np.clip(rng.normal(0.0, 0.5, (N_PLANES, N_STRIPS)), -1.2, 1.2)
    q_front = rng.uniform(84.0, 96.0, (N_PLANES, N_STRIPS))
    q_back = q_front + rng.uniform(-1.5, 2.0, (N_PLANES, N_STRIPS))
    return Offsets(t_sum - t_dif, t_sum + t_dif, q_front, q_back)


def _induced_ns(
    rng: np.random.Generator,
    plane: NDArray[np.int64],
    y_mm: NDArray[np.float64],
    strip: NDArray[np.int64],
    factor: NDArray[np.float64],
) -> NDArray[np.float32]:
    """True pulse width on each strip, shape (m, 4).

    At a strip border the neighbour takes half of the signal, at a distance d from it exp(-d/l)/2, with l a few mm and
    growing slowly with the charge, as the lateral size of an avalanche does.
    """
    charge = factor * np.exp(np.interp(rng.random(len(plane)), CHARGE_QUANTILE, np.log(CHARGE_NS)))
    charge = np.minimum(charge, CHARGE_NS[-1])
    to_low = y_mm - EDGES_MM[plane, strip]
    to_high = EDGES_MM[plane, strip + 1] - y_mm
    to_low[strip == 0] = np.inf
    to_high[strip == N_STRIPS - 1] = np.inf
    reach_mm = SHARING_MM * (charge / MEDIAN_CHARGE_NS) ** SHARING_GROWTH
    share = 0.5 * np.exp(-np.minimum(to_low, to_high) / reach_mm)
    induced = np.zeros((len(plane), N_STRIPS), dtype=np.float32)
    row = np.arange(len(plane))
    neighbour = np.clip(np.where(to_low < to_high, strip - 1, strip + 1), 0, N_STRIPS - 1)
    induced[row, neighbour] = charge * share
    induced[row, strip] = charge * (1.0 - share)
    return induced


def _normal(rng: np.random.Generator, n: int, sigma: float) -> NDArray[np.float32]:
    return rng.standard_normal((n, N_STRIPS), dtype=np.float32) * np.float32(sigma)


def _ticks(value_ns: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(value_ns * TICKS_PER_NS).astype(np.int32)


def make_values(
    rng: np.random.Generator,
    events: Triggered,
    z_mm: tuple[float, ...],
    offsets: Offsets,
    t0_ns: NDArray[np.float64],
    charge_factor: NDArray[np.float64],
    *,
    is_time_always: bool,
) -> NDArray[np.int32]:
    """The 64 values of each event in units of 0.0001 ns, shape (n, 64), 0 where there is none.

    Parameters
    ----------
    t0_ns
        Common time of the event (trigger jitter) at z = 0, shape (n,).
    charge_factor
        Mean charge of each plane over the usual one, shape (n, 4).
    is_time_always
        True for the simulated layout, where a plane with a signal carries all its times; production has times only
        where there is a charge.
    """
    n = len(events.tracks)
    event, plane = np.nonzero(events.is_two_ended | events.is_one_ended)
    m = len(event)
    x = events.tracks.x_mm[event, plane]
    signal_y = events.tracks.y_mm + rng.normal(0.0, SIGMA_Y_MM, events.tracks.y_mm.shape)
    y = signal_y[event, plane]
    strip = strip_of(signal_y)[event, plane].astype(np.int64)
    row = np.arange(m)
    is_main = np.arange(N_STRIPS) == strip[:, None]

    induced = _induced_ns(rng, plane, y, strip, charge_factor[event, plane])
    is_one = events.is_one_ended[event, plane]
    front_lives = rng.random(m) < 0.5
    ends: list[tuple[NDArray[np.float32], NDArray[np.bool_]]] = []
    for lives in (front_lives, ~front_lives):
        width = induced + _normal(rng, m, SIGMA_WIDTH_NS)
        main = width[row, strip]
        width[row, strip] = np.float32(THRESHOLD_NS) + np.abs(main - np.float32(THRESHOLD_NS))
        seen = width >= THRESHOLD_NS
        seen &= ~is_one[:, None] | (is_main & lives[:, None])
        ends.append((width, seen))

    flight = path_factor(events.tracks.slope)[event] * (np.asarray(z_mm) - z_mm[0])[plane] / SPEED_OF_LIGHT_MM_PER_NS
    common = (t0_ns[event] + flight)[:, None] + _normal(rng, m, SIGMA_T_NS)
    along = (x[:, None] + _normal(rng, m, SIGMA_X_MM)) / STRIP_SPEED_MM_PER_NS
    values = np.zeros((n, N_PLANES, 4, N_STRIPS), dtype=np.int32)
    block = np.zeros((m, 4, N_STRIPS), dtype=np.int32)
    for kind, (sign, t_offset, q_offset) in enumerate(
        ((-1.0, offsets.t_front, offsets.q_front), (1.0, offsets.t_back, offsets.q_back))
    ):
        width, seen = ends[kind]
        time = _ticks(t_offset[plane] + common + sign * along + _normal(rng, m, SIGMA_END_NS))
        block[:, kind] = time if is_time_always else np.where(seen, time, 0)
        block[:, 2 + kind] = np.where(seen, _ticks(q_offset[plane] + width), 0)
    values[event, N_PLANES - 1 - plane] = block
    return values.reshape(n, N_VALUES)


def topology(values: NDArray[np.int32]) -> NDArray[np.int64]:
    """Bit mask of the planes with any charge, shape (n,), from the values as written."""
    has_charge = (values.reshape(-1, N_PLANES, 4, N_STRIPS)[:, ::-1, 2:] != 0).any(axis=(2, 3))
    mask: NDArray[np.int64] = has_charge @ (1 << np.arange(N_PLANES))
    return mask
