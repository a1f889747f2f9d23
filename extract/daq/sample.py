"""Rows of values as text in the fixed-width layouts, vectorised: for HLD as text, benchmarks and tests."""

import numpy as np
from numpy.typing import NDArray

from extract.daq.bulk import FIELD_BYTES, PRODUCTION, Bytes, Flags, Integers, Layout
from extract.daq.schema import N_VALUES

_ZERO = ord("0")


def random_values(n_rows: int, seed: int) -> Integers:
    """Values as integers of 1e-4 ns, (n_rows, 64) in file order: planes hit with one or two strips, all four edges."""
    rng = np.random.default_rng(seed)
    shape = (n_rows, 4, 4)  # plane blocks, strips
    strip = rng.integers(0, 4, (n_rows, 4))
    has_neighbour = rng.random((n_rows, 4)) < 0.4
    is_hit = np.zeros(shape, bool)
    np.put_along_axis(is_hit, strip[..., None], True, axis=2)
    np.put_along_axis(is_hit, ((strip + 1) % 4)[..., None], has_neighbour[..., None], axis=2)
    is_hit &= (rng.random((n_rows, 4)) < 0.8)[..., None]
    times = rng.integers(-1_400_000, -1_000_000, (n_rows, 4, 2, 4))
    charges = rng.integers(850_000, 1_800_000, (n_rows, 4, 2, 4))
    values = np.concatenate([times, charges], axis=2) * is_hit[:, :, None, :]
    return values.reshape(n_rows, N_VALUES)


def fits_field(values: NDArray[np.integer]) -> Flags:
    """Whether values in units of 1e-4 ns fit into the nine characters of a field."""
    fits: Flags = (values > -(10**7)) & (values < 10**8)
    return fits


def write_rows(
    values: NDArray[np.integer],
    seconds: NDArray[np.integer],
    trigger_type: int | NDArray[np.integer] = 1,
    layout: Layout = PRODUCTION,
) -> bytes:
    """The text of rows, one line each.

    Parameters
    ----------
    values
        Integers of 1e-4 ns, (n, 64) in file order, above -10^7 and below 10^8.
    seconds
        Seconds since 1970, UTC, (n,).
    trigger_type
        One digit, of all rows or of each, (n,).

    Raises
    ------
    ValueError
        When a value does not fit into the nine characters of a field.
    """
    if not fits_field(values).all():
        raise ValueError("a value needs more than nine characters")
    template = np.frombuffer(layout.template.encode(), np.uint8)
    lines = np.repeat(template[None, :], len(values), axis=0)
    lines[:, :19] = _dates(np.asarray(seconds, np.int64))
    lines[:, layout.trigger_offset] = _ZERO + trigger_type
    magnitude = np.abs(values).astype(np.int64)
    digits = (0, 1, 2, 3, 5, 6, 7, 8)
    fields = np.empty((len(values), N_VALUES, 9), np.uint8)
    fields[..., 4] = ord(".")
    for place, digit in enumerate(reversed(digits)):
        fields[..., digit] = _ZERO + magnitude // 10**place % 10
    fields[..., 0][values < 0] = ord("-")
    lines[:, _value_columns(layout)] = fields.reshape(len(values), -1)
    return lines.tobytes()


def _value_columns(layout: Layout) -> Integers:
    """Positions in the line of the 9 bytes of each of the 64 values, (576,)."""
    plane, quantity, side, strip = np.indices((4, 2, 2, 4)).reshape(4, N_VALUES)
    steps = np.array([*layout.strides, FIELD_BYTES])
    first = layout.first_value + np.stack([plane, quantity, side, strip], axis=1) @ steps
    columns: Integers = (first[:, None] + np.arange(9)).reshape(-1)
    return columns


def _dates(seconds: Integers) -> Bytes:
    """The 19 bytes ``YYYY MM DD hh mm ss`` of each time."""
    texts = np.datetime_as_string(seconds.astype("datetime64[s]"), unit="s").astype("S19")
    dates = np.frombuffer(texts.tobytes(), np.uint8).reshape(-1, 19).copy()
    dates[:, [4, 7, 10, 13, 16]] = ord(" ")
    return dates
