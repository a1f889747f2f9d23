"""One line of a lab log: a reading or the reason why it is none. Every line is judged by itself."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import isfinite

FIRST_DAY = date(2020, 1, 1)
CLOCK_TOLERANCE = timedelta(minutes=10)
MAX_DAYS_OFF = 1
BLANKS = " \t\r\n"

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")
_SEPARATOR = re.compile(r"[,;\s]+", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_HEX_BYTE = re.compile(r"[0-9A-Fa-f]{2}")
_HEX_ID = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")

_N_STAMP = 2
_N_UNUSED = 4
_N_HEX = 6
_N_HV_NUMBERS = 10
_N_HV_FLAGS = 7
_N_OLD_HV_TOKENS = 19


@dataclass(frozen=True)
class TokenRule:
    """How many tokens, date and time included, a complete row of a kind has, and the fewest it may have."""

    exact: int
    minimum: int


TOKEN_RULES = {
    "env_ext": TokenRule(9, 8),
    "env_int": TokenRule(9, 8),
    "hv": TokenRule(25, 22),
    "rates": TokenRule(13, 12),
    "flow": TokenRule(6, 5),
    "computer": TokenRule(5, 4),
    "weight": TokenRule(3, 3),
}


@dataclass(frozen=True)
class Reading:
    """A row of a log: values in the order of the dataset's value columns, None where missing."""

    read_at: datetime
    row_status: str
    values: tuple[float | int | str | None, ...]


class LineError(Exception):
    """A line that is no reading; ``reason`` is the reason word, ``detail`` what was wrong."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def read_line(text: str, kind: str, file_date: date | None, fetched_at: datetime) -> Reading:
    """The reading of one non-blank line.

    Parameters
    ----------
    text
        The line decoded as latin-1, blanks and line end stripped.
    kind
        Kind of the log (`TOKEN_RULES`).
    file_date
        Day of the file name; None switches the test of the day off.
    fetched_at
        When the file was fetched, naive UTC.

    Raises
    ------
    LineError
        With reason `binary`, `bad_time`, `off_date`, `too_many_tokens`, `short_row`, `ambiguous_short`, `bad_id`,
        `bad_flag` or `bad_number`.
    """
    check_text(text)
    if _STAMP.match(text):
        text = text[:10] + " " + text[11:]
    tokens = [token for token in _SEPARATOR.split(text) if token]
    read_at = _read_time(tokens, fetched_at)
    if file_date is not None and abs((read_at.date() - file_date).days) > MAX_DAYS_OFF:
        raise LineError("off_date", f"file of {file_date}")
    rule = TOKEN_RULES[kind]
    n_tokens = len(tokens)
    if n_tokens > rule.exact:
        raise LineError("too_many_tokens", f"{n_tokens} tokens, {rule.exact} wanted")
    values = tokens[_N_STAMP:]
    if kind == "hv" and n_tokens == _N_OLD_HV_TOKENS and _HEX_ID.fullmatch(values[0]):
        return Reading(read_at, "ok_old", _old_hv(values))
    if n_tokens < rule.minimum:
        raise LineError("short_row", f"{n_tokens} tokens, at least {rule.minimum} wanted")
    status = "ok" if n_tokens == rule.exact else "short"
    if kind in ("env_ext", "env_int"):
        return Reading(read_at, status, _air(values, kind))
    if kind == "hv":
        return Reading(read_at, status, _hv(values))
    if status == "short":
        raise LineError("ambiguous_short", f"{n_tokens} tokens, {rule.exact} wanted")
    return Reading(read_at, status, _numbers(values))


def _read_time(tokens: list[str], fetched_at: datetime) -> datetime:
    stamp = " ".join(tokens[:_N_STAMP])
    if len(tokens) < _N_STAMP or not _DATE.fullmatch(tokens[0]) or not _TIME.fullmatch(tokens[1]):
        raise LineError("bad_time", stamp)
    try:
        read_at = datetime.fromisoformat(stamp)
    except ValueError as error:
        raise LineError("bad_time", stamp) from error
    if read_at.date() < FIRST_DAY or read_at > fetched_at + CLOCK_TOLERANCE:
        raise LineError("bad_time", f"{stamp} is before {FIRST_DAY} or after the fetch at {fetched_at}")
    return read_at


def check_text(text: str) -> None:
    """Refuse control characters other than tabs.

    Raises
    ------
    LineError
        With reason `binary`.
    """
    if match := _CONTROL.search(text):
        raise LineError("binary", f"byte 0x{ord(match[0]):02x}")


def parse_number(token: str) -> float | None:
    """A decimal number, or None for `nan` in any case.

    Raises
    ------
    LineError
        With reason `bad_number`.
    """
    if token.lower() == "nan":
        return None
    if _NUMBER.fullmatch(token) and isfinite(value := float(token)):
        return value
    raise LineError("bad_number", token)


def _numbers(tokens: list[str]) -> tuple[float | None, ...]:
    return tuple(parse_number(token) for token in tokens)


def _air(values: list[str], kind: str) -> tuple[float | str | None, ...]:
    """Location, temperature, humidity and pressure; of a short row only what its leading `nan` prove to be there."""
    location = kind.removeprefix("env_")
    if len(values) == _N_UNUSED + 3:
        return (location, *_numbers(values)[_N_UNUSED:])
    n_leading = next((i for i, token in enumerate(values) if token.lower() != "nan"), len(values))
    if n_leading == _N_UNUSED:
        return (location, *_numbers(values[_N_UNUSED:]), None)
    if n_leading == _N_UNUSED - 1:
        return (location, *_numbers(values[_N_UNUSED - 1 :]))
    raise LineError("ambiguous_short", f"{n_leading} leading nan")


def _hv(values: list[str]) -> tuple[float | int | str | None, ...]:
    """Board, ten numbers, seven flags; of a short row the flags at the end are missing.

    A row that lost a number instead ends its numbers with a flag, a bare 0 or 1: that proves nothing.
    """
    board, numbers, flags = values[:_N_HEX], values[_N_HEX : _N_HEX + _N_HV_NUMBERS], values[_N_HEX + _N_HV_NUMBERS :]
    if len(flags) < _N_HV_FLAGS and numbers[-1] in ("0", "1"):
        raise LineError("ambiguous_short", "a number or a flag is missing")
    try:
        return (_board(board), *_numbers(numbers), *_flags(flags))
    except LineError as error:
        if len(flags) == _N_HV_FLAGS:
            raise
        raise LineError("ambiguous_short", f"{error.reason} {error.detail}") from error


def _old_hv(values: list[str]) -> tuple[float | int | str | None, ...]:
    numbers, flags = values[1 : 1 + _N_HV_NUMBERS], values[1 + _N_HV_NUMBERS :]
    return (values[0].upper(), *_numbers(numbers), *_flags(flags))


def _board(tokens: list[str]) -> str:
    for token in tokens:
        if not _HEX_BYTE.fullmatch(token):
            raise LineError("bad_id", token)
    return ":".join(tokens).upper()


def _flags(tokens: list[str]) -> tuple[int | None, ...]:
    for token in tokens:
        if token not in ("0", "1"):
            raise LineError("bad_flag", token)
    return (*(int(token) for token in tokens), *(None,) * (_N_HV_FLAGS - len(tokens)))
