"""The fast path: healthy fixed-width lines as arrays, every byte checked, without a Python step per line.

All lines of a layout have one length, so a run of them is a matrix of bytes. Three facts make it fast: one comparison
with a pair of template rows checks all bytes; the eight bytes behind the first digit of a value are one 64-bit word
whose digits three multiplications turn into a number; and rows share their date with the row before, so that few dates
are read.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from extract.daq.schema import N_VALUES

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_DIGIT, _SIGN, _DOT, _ZERO = ord("0"), ord("-"), ord("."), ord("0")
_DATE = "9999 99 99 99 99 99"
VALUE = "s999.9999"
_DATE_WEIGHTS = np.zeros((6, len(_DATE)))
for _position, _field, _weight in (
    *((_p, 0, 10 ** (3 - _p)) for _p in range(4)),
    *((2 + 3 * _f + _t, _f, 10 ** (1 - _t)) for _f in range(1, 6) for _t in range(2)),
):
    _DATE_WEIGHTS[_field, _position] = _weight

_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DAYS_BEFORE_MONTH = np.concatenate([[0], np.cumsum(_DAYS_IN_MONTH)])[:13]
_DAYS_TO_2000 = 10_957


@dataclass(frozen=True)
class Layout:
    """A fixed-width text layout.

    ``template`` is one line with its line feed: ``9`` is a digit, ``s`` a digit or a minus sign, others stand for
    themselves. ``strides`` are the distances in bytes of plane, quantity and side from ``first_value``; strips are ten
    bytes apart.
    """

    name: str
    template: str
    first_value: int
    strides: tuple[int, int, int]

    @property
    def line_bytes(self) -> int:
        """Length of a line with its line feed."""
        return len(self.template)

    @property
    def trigger_offset(self) -> int:
        """Position of the trigger type."""
        return self.template.index("9", len(_DATE))

    @property
    def is_even(self) -> bool:
        """Whether all values are equally far from the next."""
        return self.strides == (16 * FIELD_BYTES, 8 * FIELD_BYTES, 4 * FIELD_BYTES)

    def bounds(self) -> tuple[Bytes, Bytes]:
        """Smallest byte and width of the range allowed at each position (signs: ``-./`` and digits)."""
        smallest = {"9": _DIGIT, "s": _SIGN}
        width = {"9": 9, "s": 12}
        low = np.array([smallest.get(c, ord(c)) for c in self.template], np.uint8)
        return low, np.array([width.get(c, 0) for c in self.template], np.uint8)


def _template(after_date: str, after_trigger: str, between_sides: str, between_blocks: str) -> str:
    side = " ".join([VALUE] * 4)
    half = side + between_sides + side
    return _DATE + after_date + "9" + after_trigger + between_blocks.join([half] * 8) + "\n"


PRODUCTION = Layout("production", _template("  ", "   ", "  ", "   "), 25, (166, 83, 41))
SIMULATED = Layout("simulated", _template(" ", " ", " ", " "), 22, (160, 80, 40))
LAYOUTS = (PRODUCTION, SIMULATED)

FIELD_BYTES = 10
_FOUR_FIELDS = np.dtype((np.void, 4 * FIELD_BYTES))

_BOUNDS = {layout.name: layout.bounds() for layout in LAYOUTS}


@dataclass(frozen=True)
class Rows:
    """Rows read from a matrix of lines; the values of rows that are not healthy mean nothing.

    ``values`` is (n, 64) float32 in file order, zero for no hit; ``seconds`` counts from 1970, UTC.
    """

    is_healthy: Flags
    seconds: Integers
    trigger_type: NDArray[np.int8]
    values: Floats


def read_rows(lines: Bytes, layout: Layout) -> Rows:
    """Read ``lines``, a contiguous (n, layout.line_bytes) matrix of bytes."""
    low, width = _BOUNDS[layout.name]
    is_bad = np.subtract(lines, low) > width
    is_healthy = ~is_bad.any(axis=1) if is_bad.any() else np.ones(len(lines), bool)
    seconds, is_date = _read_dates(lines)
    values, is_signed = _read_values(lines, layout)
    is_healthy &= is_date
    is_healthy &= is_signed
    trigger_type = (lines[:, layout.trigger_offset] - _DIGIT).astype(np.int8)
    return Rows(is_healthy, seconds, trigger_type, values)


def _fields(lines: Bytes, layout: Layout) -> Bytes:
    """The 64 values of each line, ten bytes each with the separator before, (n, 640) with contiguous rows."""
    before = layout.first_value - 1
    if layout.is_even:
        return lines[:, before : before + N_VALUES * FIELD_BYTES]
    groups = np.ndarray(
        (len(lines), 4, 2, 2),
        dtype=_FOUR_FIELDS,
        buffer=lines.reshape(-1).data,
        offset=before,
        strides=(layout.line_bytes, *layout.strides),
    )
    return np.ascontiguousarray(groups).view(np.uint8).reshape(len(lines), -1)


def _read_values(lines: Bytes, layout: Layout) -> tuple[Floats, Flags]:
    """All values as the float32 nearest to their text, and whether the first byte of each is a digit or a minus."""
    n_lines = len(lines)
    fields = _fields(lines, layout)
    first = np.ascontiguousarray(fields[:, 1::FIELD_BYTES])
    words = as_strided(fields[:, 2:], (n_lines, N_VALUES, 8), (fields.strides[0], FIELD_BYTES, 1)).view("<u8")
    magnitude = _seven_digits(np.array(words[..., 0], np.uint64))
    is_negative = first == _SIGN
    # Below 2^24 the integer is exact in float32, so that one division by an exact number rounds once: to the nearest.
    values = magnitude.astype(np.float32)
    scale = is_negative.astype(np.float32)
    scale *= -20_000
    scale += 10_000
    values /= scale
    values += 0  # minus zero is zero
    is_signed = np.ones(n_lines, bool)
    odd = np.flatnonzero((first != _ZERO) != is_negative)
    if len(odd):
        leading = first.reshape(-1)[odd].astype(np.int64) - _DIGIT
        is_signed[odd[leading < 0] // N_VALUES] = False
        whole = magnitude.reshape(-1)[odd] + leading * 10_000_000
        values.reshape(-1)[odd] = (whole / 10_000).astype(np.float32)
    return values, is_signed


def _seven_digits(word: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The integers ``ddddddd`` of the texts ``ddd.dddd`` in little-endian 64-bit words; ``word`` is overwritten."""
    word &= np.uint64(0x0F0F0F0F000F0F0F)  # digits; the point becomes a zero
    word *= np.uint64(10 * 256 + 1)  # neighbours in pairs: dd, d0, dd, dd in 16 bits each
    word >>= np.uint64(8)
    word &= np.uint64(0x00FF00FF00FF00FF)
    word *= np.uint64(100 * 65_536 + 1)  # pairs in pairs: ddd0, dddd in 32 bits each
    word >>= np.uint64(16)
    word &= np.uint64(0x0000FFFF0000FFFF)
    word *= np.uint64(1000 * 2**32 + 1)
    word >>= np.uint64(32)
    return word.view(np.int32)[:, ::2]


def _read_dates(lines: Bytes) -> tuple[Integers, Flags]:
    """Seconds since 1970 of the date at the start of each line, and whether it is a date of 2000 to 2099."""
    dates = lines[:, : len(_DATE)]
    is_new = _is_other_date(dates)
    which = np.cumsum(is_new) - 1
    digits = dates[is_new].astype(np.float64) - _DIGIT
    year, month, day, hour, minute, second = np.rint(_DATE_WEIGHTS @ digits.T).astype(np.int64)
    is_leap = year % 4 == 0
    known_month = np.clip(month, 0, 12)
    last_day = _DAYS_IN_MONTH[known_month] + (is_leap & (month == 2))
    is_date = (year >= 2000) & (year <= 2099) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= last_day)
    is_date &= (hour <= 23) & (minute <= 59) & (second <= 59)
    years = year - 2000
    days = _DAYS_TO_2000 + 365 * years + (years + 3) // 4 + _DAYS_BEFORE_MONTH[known_month] + (is_leap & (month > 2))
    seconds = (days + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    return seconds[which], is_date[which]


def _is_other_date(dates: Bytes) -> Flags:
    """Whether the 19 bytes of each row differ from those of the row before, compared as three overlapping words."""
    words = np.empty((len(dates), 24), np.uint8)
    words[:, :16] = dates[:, :16]
    words[:, 16:] = dates[:, -8:]
    differs = words.view(np.uint64)[1:] != words.view(np.uint64)[:-1]
    is_new = np.ones(len(dates), bool)
    is_new[1:] = differs[:, 0] | differs[:, 1] | differs[:, 2]
    return is_new
