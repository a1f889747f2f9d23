"""The record of a voltage scan: a CSV table with a header, written by a person at the station, one row a step.

What a person writes is kept where it can be read; whether a step is of any use is decided in SQL.
"""

import csv
import re
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from extract.environment_file import LineCounts, Outcome, Reject, printable, rejected
from extract.lab.line import BLANKS, FIRST_DAY, LineError, check_text, parse_number
from extract.lab.schema import LAB_HV_SCAN

REQUIRED = ("scan_id", "station_code", "step", "hv_set_kv", "started_at", "settled_at", "ended_at")
OPTIONAL = ("comment",)
MAX_LINE_BYTES = 4096

_VALUES = ("read_at", *REQUIRED, *OPTIONAL, "line_number")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_STEP = re.compile(r"[0-9]{1,4}")
_BOM = b"\xef\xbb\xbf"

Row = dict[str, Any]


def read_scan(content: bytes, file_date: date | None, station_code: str | None, remote_folder: str = "done") -> Outcome:
    """Steps, rejects and counters of a scan's table; never raises for what the bytes are.

    ``station_code`` is the station whose file it is, None where the network has none of its number. Columns are found
    by name, in any order; unknown ones are ignored. Times without a zone are UTC. A step without `settled_at` or
    `ended_at` is kept (it is going on); one that was not begun is a plan, rejected as `not_started`.
    """
    if not content:
        return Outcome(status="empty_file", date_from=file_date, date_to=file_date)
    lines = content.removeprefix(_BOM).splitlines()
    counts = LineCounts(n_lines=len(lines))
    names: list[str] | None = None
    rows: list[Row] = []
    rejects: list[Reject] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            counts.n_blank += 1
            continue
        try:
            fields = _fields(line)
            if names is None:
                names = fields
                counts.n_header += 1
                continue
            rows.append({**_step(fields, names, station_code), "line_number": number})
            counts.n_ok += 1
        except LineError as error:
            counts.n_rejects += 1
            rejects.append(Reject(error.reason, error.detail, printable(line), number))
    missing = [name for name in REQUIRED if name not in (names or [])]
    if missing:
        return rejected("missing_column", f"the header lacks {', '.join(missing)}")
    counts.check_balance()
    rows.sort(key=lambda row: row["started_at"])  # of equal times the line decides: sorting is stable
    head = {"file_date": file_date, "row_status": "ok", "remote_folder": remote_folder, "file_size_bytes": len(content)}
    return Outcome(
        counts=counts,
        rejects=rejects,
        tables=[(LAB_HV_SCAN, _table(rows, head))],
        date_from=file_date,
        date_to=file_date,
    )


def _fields(line: bytes) -> list[str]:
    if len(line) > MAX_LINE_BYTES:
        raise LineError("too_long", f"{len(line)} bytes")
    text = line.decode("utf-8", "replace").strip(BLANKS)
    check_text(text)
    try:
        return [field.strip() for field in next(csv.reader([text], strict=True))]
    except csv.Error as error:
        raise LineError("bad_quotes", str(error)) from None


def _step(fields: list[str], names: list[str], station_code: str | None) -> Row:
    if len(fields) != len(names):
        raise LineError("column_count", f"{len(fields)} fields, {len(names)} columns")
    text = {name: fields[names.index(name)] for name in (*REQUIRED, *OPTIONAL) if name in names}
    if any(name not in text for name in REQUIRED):
        raise LineError("missing_column")  # the whole file will be rejected
    if not text["scan_id"]:
        raise LineError("bad_scan_id", "empty")
    if station_code is not None and text["station_code"] != station_code:
        raise LineError("wrong_station", text["station_code"])
    if not _STEP.fullmatch(text["step"]):
        raise LineError("bad_number", text["step"])
    if not text["started_at"]:
        raise LineError("not_started")
    hv_set_kv = parse_number(text["hv_set_kv"].replace(",", "."))
    if hv_set_kv is None:
        raise LineError("bad_number", text["hv_set_kv"])
    started_at = _time(text["started_at"])
    return {
        "read_at": started_at,
        "scan_id": text["scan_id"],
        "station_code": text["station_code"],
        "step": int(text["step"]),
        "hv_set_kv": hv_set_kv,
        "started_at": started_at,
        "settled_at": _time(text["settled_at"]) if text["settled_at"] else None,
        "ended_at": _time(text["ended_at"]) if text["ended_at"] else None,
        "comment": text.get("comment") or None,
    }


def _time(text: str) -> datetime:
    """Naive UTC time, to the second."""
    if not _TIME.fullmatch(text):
        raise LineError("bad_time", text)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise LineError("bad_time", text) from None
    if moment.date() < FIRST_DAY:
        raise LineError("bad_time", text)
    return moment


def _table(rows: list[Row], head: Row) -> pa.Table:
    """The rows in the columns of the dataset, without station and provenance, except for the line number."""
    types = {column.name: column.type for column in LAB_HV_SCAN.columns if column.name in (*head, *_VALUES)}
    return pa.table({name: pa.array([{**head, **row}[name] for row in rows], types[name]) for name in types})
