"""The telescope: planes, strips, the active area and the labels of plane combinations."""

import numpy as np
from numpy.typing import NDArray

SPEED_OF_LIGHT_MM_PER_NS = 299.792458
STRIP_SPEED_MM_PER_NS = SPEED_OF_LIGHT_MM_PER_NS * 2.0 / 3.0
ACTIVE_HALF_X_MM = 116.0
ACTIVE_HALF_Y_MM = 143.5
N_PLANES = 4
N_STRIPS = 4

WIDTHS_MM = np.array([[63.0, 63.0, 63.0, 98.0], [98.0, 63.0, 63.0, 63.0]] * 2)
"""Strip widths, mm: planes 1 and 3 have the wide strip last, planes 2 and 4 first. Shape (4, 4)."""

EDGES_MM = np.concatenate([np.zeros((4, 1)), np.cumsum(WIDTHS_MM, axis=1)], axis=1) - ACTIVE_HALF_Y_MM
"""Strip edges across the strips, mm, shape (4, 5)."""

CENTRES_MM = (EDGES_MM[:, 1:] + EDGES_MM[:, :-1]) / 2
"""Strip centres across the strips, mm, shape (4, 4)."""

LABELS = np.array(
    [int("".join(str(p + 1) for p in range(N_PLANES) if mask >> p & 1) or "0") for mask in range(16)], dtype=np.int16
)
"""Label of a set of planes by bit mask (bit 0 = plane 1): mask 0b1011 is 124."""


def planes_of_label(label: int) -> tuple[int, ...]:
    """Plane indices from 0 of a label: 124 gives (0, 1, 3)."""
    return tuple(int(digit) - 1 for digit in str(label) if digit != "0")


def mask_of_label(label: int) -> int:
    """Bit mask of a label."""
    return sum(1 << plane for plane in planes_of_label(label))


def strip_of(y_mm: NDArray[np.float64]) -> NDArray[np.int8]:
    """Strip index from 0 crossed at y in each plane, shape (n, 4); outside the active area the nearest strip."""
    strips = np.zeros(y_mm.shape, dtype=np.int8)
    for edge in range(1, N_STRIPS):
        strips += y_mm >= EDGES_MM[:, edge]
    return strips
