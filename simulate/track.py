"""Muon tracks through the telescope, drawn exactly from an isotropic-in-azimuth cos^n flux.

Only tracks that can trigger are worth drawing. Each trigger combination needs its first and its last plane, and with
planes of one size whatever lies between them is then crossed too. So tracks are drawn through the smallest such pairs
of planes, and a track that crosses several of them is kept with one over their number: the sum is the flux through
their union, without loss and without double counting.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.geometry import ACTIVE_HALF_X_MM, ACTIVE_HALF_Y_MM, planes_of_label

LENGTH_X_MM = 2 * ACTIVE_HALF_X_MM
LENGTH_Y_MM = 2 * ACTIVE_HALF_Y_MM


@dataclass(frozen=True)
class Tracks:
    """Straight tracks.

    Attributes
    ----------
    slope
        dx/dz and dy/dz, shape (n, 2).
    x_mm, y_mm
        Crossing points with the four planes, shape (n, 4).
    is_inside
        Whether the crossing point lies in the active area, shape (n, 4).
    """

    slope: NDArray[np.float64]
    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    is_inside: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.slope)


def minimal_pairs(triggers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The pairs (first plane, last plane) of the triggers, without those that contain another one."""
    pairs = {(planes_of_label(label)[0], planes_of_label(label)[-1]) for label in triggers}
    return tuple(
        sorted(p for p in pairs if not any(q != p and p[0] <= q[0] and q[1] <= p[1] for q in pairs)),
    )


def path_factor(slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Path length per height, sqrt(1 + x'^2 + y'^2), shape (n,) from (n, 2)."""
    factor: NDArray[np.float64] = np.sqrt(1.0 + np.sum(np.square(slope), axis=1))
    return factor


def draw_tracks(
    rng: np.random.Generator,
    n_thrown: int,
    z_mm: Sequence[float],
    triggers: Sequence[int],
    cos_exponent: float = 2.0,
) -> Tracks:
    """Throw ``n_thrown`` flux samples and return those whose track crosses the planes of at least one trigger.

    The number of muons through a horizontal area goes as cos^(n+1)(zenith) per solid angle, so cos(zenith) is
    U^(1/(n+2)). Through a given pair of planes passes the overlap of one plane with the shadow of the other.
    """
    z = np.asarray(z_mm, dtype=np.float64)
    pairs = np.array(minimal_pairs(triggers))
    pair = pairs[rng.integers(len(pairs), size=n_thrown)]
    cosine = rng.random(n_thrown) ** (1.0 / (cos_exponent + 2.0))
    tangent = np.sqrt(1.0 / np.square(np.maximum(cosine, 1e-6)) - 1.0)
    azimuth = rng.random(n_thrown) * (2 * np.pi)
    slope_x, slope_y = tangent * np.cos(azimuth), tangent * np.sin(azimuth)
    first, last = pair.T
    height = z[last] - z[first]
    free_x = np.maximum(LENGTH_X_MM - np.abs(slope_x * height), 0.0)
    free_y = np.maximum(LENGTH_Y_MM - np.abs(slope_y * height), 0.0)
    kept = np.flatnonzero(rng.random(n_thrown) * (LENGTH_X_MM * LENGTH_Y_MM) < free_x * free_y)

    n_kept, distance = len(kept), z[None, :] - z[first[kept], None]
    slope = np.stack([slope_x[kept], slope_y[kept]], axis=1)
    free = np.stack([free_x[kept], free_y[kept]], axis=1)
    start = (rng.random((n_kept, 2)) - 0.5) * free - slope * (height[kept, None] / 2)
    x = start[:, :1] + slope[:, :1] * distance
    y = start[:, 1:] + slope[:, 1:] * distance
    is_inside = (np.abs(x) <= ACTIVE_HALF_X_MM) & (np.abs(y) <= ACTIVE_HALF_Y_MM)
    n_crossed = np.sum(is_inside[:, pairs[:, 0]] & is_inside[:, pairs[:, 1]], axis=1)
    once = rng.random(n_kept) * np.maximum(n_crossed, 1) < 1.0
    return Tracks(slope[once], x[once], y[once], is_inside[once])
