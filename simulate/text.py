"""Detector text from integers, whole blocks at a time: no row is formatted by itself.

A block of n events becomes a byte array of n rows. Rows start as a copy of a template full of zeros; only values that
are not zero are written, four characters before and four after the decimal point, from a table of all 10,000 groups of
four digits (a second table holds them with a minus sign for the first digit).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulate.config import Layout

VALUE_WIDTH = 9
ZERO = "0000.0000"
ROW_BYTES = {"production": 687, "simulated": 662}
SIMULATED_COMMENT = "# param_hash="


@dataclass(frozen=True)
class Template:
    """A row of zeros and where its parts begin."""

    row: NDArray[np.uint8]
    value_offset: NDArray[np.int64]
    trigger_offset: int


@lru_cache
def digit_groups() -> NDArray[np.uint32]:
    """Four characters per entry: 0000 to 9999, then the same with a minus sign as first character."""
    number = np.arange(10_000)
    digits = np.stack([number // 1000, number // 100 % 10, number // 10 % 10, number % 10], axis=1) + ord("0")
    signed = digits.copy()
    signed[:, 0] = ord("-")
    return np.concatenate([digits, signed]).astype(np.uint8).view(np.uint32).ravel()


@lru_cache
def template(layout: Layout) -> Template:
    """The row of zeros of a layout with values nine characters wide."""
    if layout == "legacy":
        raise ValueError("the legacy layout has its own writer")
    if layout == "simulated":
        head, trigger = "2000 01 01 00 00 00 1 ", 20
        separators = [" "] * 64
    else:
        head, trigger = "2000 01 01 00 00 00  1   ", 21
        separators = [" ", " ", " ", "  ", " ", " ", " ", "   "] * 8
    separators[-1] = "\n"
    text, offsets = head, []
    for separator in separators:
        offsets.append(len(text))
        text += ZERO + separator
    return Template(np.frombuffer(text.encode(), dtype=np.uint8), np.array(offsets), trigger)


def calendar_bytes(time_s: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The 19 characters ``YYYY MM DD HH MM SS`` of Unix seconds, shape (n, 19)."""
    seconds, place = np.unique(time_s, return_inverse=True)
    text = np.datetime_as_string(seconds.astype("datetime64[s]")).astype("S19")
    characters = text.view(np.uint8).reshape(-1, 19).copy()
    characters[:, [4, 7, 10, 13, 16]] = ord(" ")
    return characters[place]


def _column(rows: NDArray[np.uint8], offset: int) -> NDArray[np.uint32]:
    """Four bytes of every row as one number, an unaligned view into the rows."""
    return np.ndarray(shape=(len(rows),), dtype=np.uint32, buffer=rows.data, offset=offset, strides=(rows.shape[1],))


def _write_values(rows: NDArray[np.uint8], values: NDArray[np.int32], offsets: NDArray[np.int64], width: int) -> None:
    """Write the values that are not zero, ``width`` 9 or 10 characters each; |value| < 1000 ns."""
    groups = digit_groups()
    shift = width - VALUE_WIDTH
    for column, offset in enumerate(offsets.tolist()):
        if not len(rows):
            return
        value = np.ascontiguousarray(values[:, column])
        at = np.flatnonzero(value)
        magnitude = np.abs(value[at])
        whole = magnitude // 10_000
        rest = magnitude - whole * 10_000
        is_negative = value[at] < 0
        if shift:
            rows[at[is_negative], offset] = ord("-")
            _column(rows, offset + 1)[at] = groups[whole]
        else:
            _column(rows, offset)[at] = groups[whole + is_negative * 10_000]
        _column(rows, offset + 5 + shift)[at] = groups[rest]


def render_rows(
    layout: Layout, time_s: NDArray[np.int64], trigger: NDArray[np.int64], values: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """Rows of fixed width with line feed, shape (n, 687) or (n, 662); values as in `response.make_values`.

    Raises
    ------
    ValueError
        When a value does not fit nine characters or a trigger type is not one digit.
    """
    if np.any(np.abs(values) >= 10_000_000) or np.any((trigger < 0) | (trigger > 9)):
        raise ValueError("values must be below 1000 ns and trigger types one digit")
    shape = template(layout)
    rows = np.empty((len(values), len(shape.row)), dtype=np.uint8)
    rows[:] = shape.row
    rows[:, :19] = calendar_bytes(time_s)
    rows[:, shape.trigger_offset] = trigger + ord("0")
    _write_values(rows, values, shape.value_offset, VALUE_WIDTH)
    return rows


def drop_padding(rows: NDArray[np.uint8], values: NDArray[np.int32]) -> list[bytes]:
    """Rows of the simulated layout with the zeros after a minus sign taken away (``-005.1000`` is ``-5.1000``)."""
    event, column = np.nonzero((values < 0) & (values > -1_000_000))
    kept = np.ones(rows.shape, dtype=bool)
    offset = template("simulated").value_offset[column]
    size = -values[event, column]
    kept[event, offset + 1] = False
    small = size < 100_000
    kept[event[small], offset[small] + 2] = False
    ends = np.cumsum(kept.sum(axis=1))
    content = rows[kept].tobytes()
    starts = np.concatenate([[0], ends[:-1]])
    return [content[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


def render_lines(
    layout: Layout, time_s: NDArray[np.int64], trigger: NDArray[np.int64], values: NDArray[np.int32]
) -> list[bytes] | NDArray[np.uint8]:
    """All lines of a file: an array when they have one width, else a list."""
    if layout == "legacy":
        return render_legacy(values)
    rows = render_rows(layout, time_s, trigger, values)
    if layout == "simulated" and np.any((values < 0) & (values > -1_000_000)):
        return drop_padding(rows, values)
    return rows


def render_legacy(values: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The old form: 64 values ten characters wide, no date and no trigger; zeros of negative sign in T back columns."""
    text = " ".join("-0000.0000" if k // 4 % 4 == 1 else "00000.0000" for k in range(64)) + "\n"
    rows = np.empty((len(values), len(text)), dtype=np.uint8)
    rows[:] = np.frombuffer(text.encode(), dtype=np.uint8)
    offsets = np.arange(64) * 11
    for column in range(4, 64):
        if column // 4 % 4 == 1:
            rows[values[:, column] != 0, offsets[column]] = ord("0")
    _write_values(rows, values, offsets, VALUE_WIDTH + 1)
    return rows
