"""The careful path: one line of a detector file by the rules, with recovery of joined and glued rows."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import isinf
from struct import pack, unpack

import numpy as np

from extract.daq.schema import N_COLUMNS, N_HEADER_COLUMNS

MAX_TRIGGER_TYPE = 127

_EPOCH = datetime(1970, 1, 1)
_NOT_TEXT = re.compile(rb"[^\x20-\x7e\t\r\v\f]")
_JOINT = re.compile(rb"X(?=20[0-9]{2}[ \t\r\v\f])")
_GLUED = re.compile(rb"[+-]?[0-9]+\.[0-9]{4}(?:-[0-9]+\.[0-9]{4})+")
_GLUED_PART = re.compile(rb"[+-]?[0-9]+\.[0-9]{4}")
_PLAIN_VALUES = re.compile(rb"-?[0-9]{1,5}\.[0-9]{4}(?: -?[0-9]{1,5}\.[0-9]{4})*")
_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_SHORT_INTEGER = re.compile(rb"[0-9]{1,4}")
_PARAM_HASH = re.compile(rb"#\s*param_hash=([0-9A-Fa-f]+)")


@dataclass(frozen=True)
class Event:
    """An accepted row: seconds since 1970 (UTC), trigger type, 64 float32 values in file order, kind of recovery."""

    seconds: int
    trigger_type: int
    values: tuple[float, ...]
    recovery: str | None = None


@dataclass(frozen=True)
class Reject:
    """A line or a piece of a line that is no event."""

    text: bytes
    reason: str
    detail: str | None
    n_bytes: int
    n_tokens: int


@dataclass(frozen=True)
class Comment:
    """A comment line, with the parameter hash if it names one."""

    param_hash: str | None = None


@dataclass(frozen=True)
class Recovered:
    """An event recovered from a joined line, and the pieces left over."""

    event: Event
    fragments: tuple[Reject, ...] = field(default=())


class _RowError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail


def parse_line(line: bytes, max_line_bytes: int) -> Event | Recovered | Reject | Comment:
    """Decide one physical line, given without its line feed. Never raises because of content."""
    if len(line) > max_line_bytes:
        return reject(line, "over_long_line", f"{len(line)} bytes")
    stripped = line.strip()
    if not stripped:
        return reject(line, "blank")
    if stripped.startswith(b"#"):
        match = _PARAM_HASH.fullmatch(stripped)
        return Comment(match.group(1).decode() if match else None)
    bad = _NOT_TEXT.search(line)
    if bad:
        return reject(line, "non_text", f"byte {bad.start()} 0x{bad.group()[0]:02x}")
    if _JOINT.search(line):
        return _parse_joined(line)
    try:
        return _parse_row(stripped)
    except _RowError as error:
        return reject(line, error.reason, error.detail)


def reject(text: bytes, reason: str, detail: str | None = None) -> Reject:
    """A rejected line or piece."""
    return Reject(text, reason, detail, len(text), len(text.split()))


def _parse_joined(line: bytes) -> Recovered | Reject:
    """Cut a line at every X before a year; the last piece that is an event becomes the event of the line."""
    pieces = [piece for part in _JOINT.split(line) if (piece := part.strip())]
    outcomes: list[Event | _RowError] = []
    for piece in pieces:
        try:
            outcomes.append(_parse_row(piece))
        except _RowError as error:
            outcomes.append(error)
    complete = [index for index, outcome in enumerate(outcomes) if isinstance(outcome, Event)]
    if not complete:
        reasons = " ".join(outcome.reason for outcome in outcomes if isinstance(outcome, _RowError))
        return reject(line, "x_joined", reasons)
    kept = outcomes[complete[-1]]
    assert isinstance(kept, Event)
    recovery = "x_prefix" if len(pieces) == 1 else "x_joined"
    fragments = tuple(
        reject(piece, "x_joined", "complete_row" if isinstance(outcome, Event) else outcome.reason)
        for index, (piece, outcome) in enumerate(zip(pieces, outcomes, strict=True))
        if index != complete[-1]
    )
    return Recovered(Event(kept.seconds, kept.trigger_type, kept.values, recovery), fragments)


def _parse_row(row: bytes) -> Event:
    """One row of 71 tokens, or of fewer with glued negatives."""
    tokens = row.split()
    recovery = None
    if len(tokens) != N_COLUMNS:
        split = _split_glued(tokens)
        if len(split) == N_COLUMNS:
            tokens, recovery = split, "glued_negative"
    if len(tokens) < N_COLUMNS:
        raise _RowError("truncated", f"{len(tokens)} tokens")
    if len(tokens) > N_COLUMNS:
        raise _RowError("extra_columns", f"{len(tokens)} tokens")
    seconds = _parse_time(tokens[:6])
    trigger_type = _parse_trigger_type(tokens[6])
    return Event(seconds, trigger_type, _parse_values(tokens[N_HEADER_COLUMNS:]), recovery)


def _split_glued(tokens: list[bytes]) -> list[bytes]:
    """Split every value token that is a number followed by negative numbers, all with four decimals."""
    split = tokens[:N_HEADER_COLUMNS]
    for token in tokens[N_HEADER_COLUMNS:]:
        if _GLUED.fullmatch(token):
            split += _GLUED_PART.findall(token)
        else:
            split.append(token)
    return split


def _parse_time(tokens: list[bytes]) -> int:
    """Seconds since 1970 of a calendar date and time of 2000 to 2099."""
    try:
        if not all(_SHORT_INTEGER.fullmatch(token) for token in tokens):
            raise ValueError
        year, month, day, hour, minute, second = (int(token) for token in tokens)
        if not 2000 <= year <= 2099:
            raise ValueError
        return int((datetime(year, month, day, hour, minute, second) - _EPOCH).total_seconds())
    except ValueError:
        raise _RowError("bad_date", _text(b" ".join(tokens))) from None


def _parse_trigger_type(token: bytes) -> int:
    if len(token) > 3 or not _SHORT_INTEGER.fullmatch(token) or int(token) > MAX_TRIGGER_TYPE:
        raise _RowError("malformed_number", f"6 {_text(token)}")
    return int(token)


def _parse_values(tokens: list[bytes]) -> tuple[float, ...]:
    """The 64 values as float32 numbers, minus zero as zero; the first bad token decides the reason."""
    if _PLAIN_VALUES.fullmatch(b" ".join(tokens)):
        return tuple((np.array([float(token) for token in tokens]).astype(np.float32) + np.float32(0)).tolist())
    return tuple(_parse_value(index, token) for index, token in enumerate(tokens, start=N_HEADER_COLUMNS))


def _parse_value(index: int, token: bytes) -> float:
    if _NOT_A_NUMBER.fullmatch(token):
        raise _RowError("non_finite", f"{index} {_text(token)}")
    if not _NUMBER.fullmatch(token):
        raise _RowError("malformed_number", f"{index} {_text(token)}")
    value = nearest_float32(token.decode())
    if isinf(value):
        raise _RowError("non_finite", f"{index} {_text(token)}")
    return value


def nearest_float32(text: str) -> float:
    """The float32 nearest to a decimal text, half to even, infinite where the text is beyond the range.

    Rounding to float64 first errs only where the float64 is half way between two float32 (or float32 is subnormal);
    there the text itself decides.
    """
    value = float(text)
    if value == 0 or isinf(value):
        return abs(value)
    if abs(value) >= 2.0**-126 and unpack("<Q", pack("<d", value))[0] & 0x1FFFFFFF != 0x10000000:
        with np.errstate(over="ignore"):
            return float(np.float32(value))
    return _nearest_of_neighbours(Fraction(text), value)


def _nearest_of_neighbours(exact: Fraction, value: float) -> float:
    with np.errstate(over="ignore", under="ignore"):
        middle = np.float32(value)
        if np.isinf(middle):
            largest = Fraction(2**24 - 1) * 2**104
            return float(middle) if abs(exact) >= largest + 2**103 else float(np.nextafter(middle, np.float32(0)))
        neighbours = [np.nextafter(middle, np.float32(-np.inf)), middle, np.nextafter(middle, np.float32(np.inf))]
    finite = [n for n in neighbours if np.isfinite(n)]
    best = min(finite, key=lambda n: (abs(Fraction(float(n)) - exact), int(n.view(np.uint32)) & 1))
    return float(best) + 0.0


def _text(token: bytes) -> str:
    return token[:80].decode("latin-1")
