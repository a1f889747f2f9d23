"""An NMDB answer, in every form the service gives, as rows of `nmdb`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from extract.environment_file import LineCounts, Outcome, Reject, printable, rejected
from extract.nmdb.header import DTYPE_OF_TYPE, DTYPES, PRESSURE, Header, Request
from extract.nmdb.schema import NMDB
from extract.nmdb.text import AnswerError, read_body, unpack

RATE_RANGE_HZ = (0.0, 10000.0)
PRESSURE_RANGE_HPA = (500.0, 1100.0)

_STAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})\s*;(.*)")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_CODE = re.compile(r"[A-Z0-9]+")
_ONE_STATION = "start_date_time"


class _LineError(Exception):
    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass
class _Block:
    """What the lines since the last column line say about the data lines."""

    codes: tuple[str, ...] | None = None
    dtype: str | None = None
    value_type: str | None = None


@dataclass
class _Rows:
    nm_code: list[str] = field(default_factory=list)
    interval_start: list[datetime] = field(default_factory=list)
    resolution_s: list[int | None] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    nm_table: list[str | None] = field(default_factory=list)
    value_type: list[str | None] = field(default_factory=list)
    line_number: list[int] = field(default_factory=list)


class _Reader:
    """State while the lines of one answer go by."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.header = Header()
        self.block = _Block()
        self.rows = _Rows()
        self.counts = LineCounts()
        self.rejects: list[Reject] = []
        self.dtypes: set[str] = set()
        self.codes_seen: dict[str, None] = {}

    def read(self, number: int, line: str) -> None:
        text = line.strip()
        if not text:
            self.counts.n_blank += 1
        elif text.startswith("#"):
            self.header.add(text)
            self.counts.n_header += 1
            if dtype := self.header.dtype:
                self.dtypes.add(dtype)
        else:
            self._read_content(number, text, line)

    def _read_content(self, number: int, text: str, line: str) -> None:
        try:
            if match := _STAMP.match(text):
                self._read_data(number, match[1], match[2])
                self.counts.n_ok += 1
            else:
                self._read_columns(text)
                self.counts.n_header += 1
        except _LineError as error:
            self.counts.n_rejects += 1
            self.rejects.append(Reject(error.reason, error.detail, printable(line.encode()), number))

    def _read_columns(self, text: str) -> None:
        """A column line: the order of the values comes from it, never from the request."""
        words = text.split()
        is_marked = words[0] == _ONE_STATION
        codes = words[1:] if is_marked else words
        if not codes or len(set(codes)) < len(codes) or not all(is_marked or _CODE.fullmatch(code) for code in codes):
            raise _LineError("unknown_line")
        if is_marked and len(codes) == 1 and codes[0] not in (*self.request.stations, self.header.station):
            self.block = _Block(self._only_station(), DTYPE_OF_TYPE.get(codes[0], codes[0]), codes[0])
            self.dtypes.add(DTYPE_OF_TYPE.get(codes[0], codes[0]))
        else:
            self.block = _Block(tuple(codes))

    def _only_station(self) -> tuple[str, ...] | None:
        if self.header.station:
            return (self.header.station,)
        return self.request.stations if len(self.request.stations) == 1 else None

    def _read_data(self, number: int, stamp: str, rest: str) -> None:
        words = [word.strip() for word in rest.split(";")]
        codes = self.block.codes
        if codes is None:
            codes = self._only_station() if len(words) == 1 else None
            if codes is None:
                raise _LineError("no_columns", f"{len(words)} values")
        if len(words) != len(codes):
            raise _LineError("width_mismatch", f"{len(words)} values, {len(codes)} columns")
        try:
            start = datetime.fromisoformat(stamp)
        except ValueError as error:
            raise _LineError("bad_time", stamp) from error
        values = [_number(word) for word in words]
        rows = self.rows
        for code, value, word in zip(codes, values, words, strict=True):
            self.codes_seen[code] = None
            rows.nm_code.append(code)
            rows.interval_start.append(start)
            rows.resolution_s.append(self.header.resolution_s)
            rows.value.append(value)
            rows.text.append(word)
            rows.nm_table.append(self.request.nm_table or self.header.nm_table)
            rows.value_type.append(self.block.value_type or self.header.value_type)
            rows.line_number.append(number)


def read_nmdb(content: bytes, request: Request, *, product: str, fetched_at: datetime) -> Outcome:
    """Rows, rejects and verdict of an answer; never raises for what the bytes are.

    Parameters
    ----------
    content
        The answer as it came: plain text, gzip, or a page around the text.
    request
        What was asked for; an empty one where it is not known.
    product
        `rate` or `baro`.
    fetched_at
        When the answer was fetched, naive UTC; an interval that ends later is partial.
    """
    try:
        body = read_body(unpack(content))
        reader = _Reader(request)
        for number, line in body.numbered():
            reader.read(number, line)
        dtype = _one_dtype(reader)
    except AnswerError as error:
        return rejected(error.reason, error.detail)
    counts = reader.counts
    counts.n_lines = body.n_lines
    counts.n_header += body.n_outside
    counts.check_balance()
    rows = reader.rows
    resolutions_s = _resolutions_s(rows, request)
    if resolutions_s is None:
        return rejected("no_resolution", "neither the answer nor the request says how long an interval is")
    _blank_out_of_range(rows, dtype, reader.rejects)
    days = (min(rows.interval_start).date(), max(rows.interval_start).date()) if rows.interval_start else (None, None)
    return Outcome(
        detail="; ".join(_warnings(reader)) or None,
        terms_text="\n".join(reader.header.lines) or None,
        counts=counts,
        rejects=reader.rejects,
        tables=[(NMDB, _table(rows, resolutions_s, dtype, product, fetched_at))],
        date_from=days[0],
        date_to=days[1],
    )


def _number(word: str) -> float | None:
    if word in ("", "null"):
        return None
    if _NUMBER.fullmatch(word) and isfinite(value := float(word)):
        return value
    raise _LineError("bad_number", word)


def _one_dtype(reader: _Reader) -> str:
    """The quantity of the answer, which must be the one that was asked for."""
    wanted = reader.request.dtype
    dtypes = reader.dtypes | ({wanted} if wanted else set())
    if len(dtypes) != 1 or not dtypes <= set(DTYPES):
        found = ", ".join(sorted(reader.dtypes)) or "nothing"
        raise AnswerError("wrong_type", f"the answer holds {found}, asked for was {wanted or 'nothing'}")
    return dtypes.pop()


def _resolutions_s(rows: _Rows, request: Request) -> list[int] | None:
    """Length of each interval: as the header says, else the closest stamps, else the request."""
    if all(resolution_s is not None for resolution_s in rows.resolution_s):
        return [resolution_s or 0 for resolution_s in rows.resolution_s]
    stamps = sorted(set(rows.interval_start))
    spacings = [int((after - before).total_seconds()) for before, after in pairwise(stamps)]
    default = min(spacings, default=request.resolution_s)
    return None if default is None else [resolution_s or default for resolution_s in rows.resolution_s]


def _blank_out_of_range(rows: _Rows, dtype: str, rejects: list[Reject]) -> None:
    for i, value in enumerate(rows.value):
        if value is None:
            continue
        if dtype == PRESSURE:
            is_good = PRESSURE_RANGE_HPA[0] <= value <= PRESSURE_RANGE_HPA[1]
        else:
            is_good = RATE_RANGE_HZ[0] < value <= RATE_RANGE_HZ[1]
        if not is_good:
            rows.value[i] = None
            where = f"{rows.nm_code[i]} {rows.interval_start[i].isoformat()}Z"
            rejects.append(Reject("out_of_range", where, printable(rows.text[i].encode()), rows.line_number[i]))


def _warnings(reader: _Reader) -> list[str]:
    asked, seen = reader.request.stations, list(reader.codes_seen)
    unasked = [code for code in seen if code not in asked] if asked else []
    absent = [code for code in asked if code not in seen]
    parts: Sequence[tuple[str, list[str]]] = (("not asked for", unasked), ("asked for, not in the answer", absent))
    return [f"{text}: {', '.join(codes)}" for text, codes in parts if codes]


def _table(rows: _Rows, resolutions_s: list[int], dtype: str, product: str, fetched_at: datetime) -> pa.Table:
    """Rows sorted by monitor and time, without provenance except for the line number."""
    n_rows = len(rows.value)
    values = pa.array(rows.value, pa.float64())
    missing = pa.nulls(n_rows, pa.float64())
    starts = pa.array(rows.interval_start, pa.timestamp("us"))
    lengths = pc.cast(pc.multiply(pa.array(resolutions_s, pa.int64()), 1_000_000), pa.duration("us"))
    columns: dict[str, Any] = {
        "nm_code": pa.array(rows.nm_code, pa.string()),
        "interval_start": starts,
        "resolution_s": pa.array(resolutions_s, pa.int32()),
        "dtype": pa.array([dtype] * n_rows, pa.string()),
        "nm_table": pa.array(rows.nm_table, pa.string()),
        "rate_hz": missing if dtype == PRESSURE else values,
        "pressure_hpa": values if dtype == PRESSURE else missing,
        "value_type": pa.array(rows.value_type, pa.string()),
        "is_partial": pc.greater(pc.add(starts, lengths), pa.scalar(fetched_at, pa.timestamp("us"))),
        "product": pa.array([product] * n_rows, pa.string()),
        "line_number": pa.array(rows.line_number, pa.int64()),
    }
    table: pa.Table = pa.table(columns)
    return table.sort_by([("nm_code", "ascending"), ("interval_start", "ascending"), ("line_number", "ascending")])
