"""The logbook sheet of a station: landing CSV to the lake datasets `logbook` and `logbook_reject`."""

import csv
import io
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa

from extract.daq.schema import LOGBOOK, LOGBOOK_REJECT, PARSER_VERSION
from warehouse.dataset import Dataset
from warehouse.files import sha256_of_file
from warehouse.lake import partition_folder, read_footer, write_schema_files, write_table

logger = logging.getLogger(__name__)

N_HEADER_ROWS = 2
KEPT_CHARACTERS = 1024
MAX_STATION = 9

REQUIRED = ("station", "conf", "start", "end", "P1", "P2", "P3", "P4")
_NUMBERS = {
    **{f"P{plane}": f"z_plane_{plane}_mm" for plane in (1, 2, 3, 4)},
    "over_P1": "lead_over_1_mm",
    "P1-P2": "lead_12_mm",
    "P2-P3": "lead_23_mm",
    "P3-P4": "lead_34_mm",
    "phi_north": "phi_north_deg",
}
_INTEGERS = {f"C{n}": f"trigger_{n}" for n in (1, 2, 3, 4)}
_TEXTS = {"city": "city", "comment": "comment"}
_KNOWN = {*REQUIRED, *_NUMBERS, *_INTEGERS, *_TEXTS}

_FETCHED_AT = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_INT32_MAX = 2**31 - 1


class InvalidLogbookError(ValueError):
    """A sheet without its required columns or without any valid row: it is not used."""


@dataclass(frozen=True)
class LogbookReject:
    """A rejected row, or a value that became NULL (``is_warning``)."""

    row_number: int
    reason: str
    detail: str | None
    row_text: str
    is_warning: bool = False


@dataclass
class Logbook:
    """A parsed sheet: ``rows`` with the column names of `logbook` and a ``row_number``; ``unknown_columns`` ignored."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[LogbookReject] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)


@dataclass
class LogbookSummary:
    """What a run did. ``failures`` are path and message of sheets that are not used."""

    n_done: int = 0
    n_skipped: int = 0
    n_rows: int = 0
    n_rejects: int = 0
    n_warnings: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


class _RowError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail


def parse_logbook(content: bytes, station_id: int) -> Logbook:
    """Read a sheet: a row of group titles, a row of names, then the configurations of one station.

    Raises
    ------
    InvalidLogbookError
        When it is not UTF-8 text, a required column is missing or named twice, or no row has a valid station,
        configuration number and start.
    """
    try:
        text = content.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidLogbookError(f"not a CSV file in UTF-8: {error}") from error
    if len(rows) < N_HEADER_ROWS:
        raise InvalidLogbookError("no header: two header rows are expected")
    names = [name.strip() for name in rows[1]]
    missing = [name for name in REQUIRED if name not in names]
    twice = sorted({name for name in names if name in _KNOWN and names.count(name) > 1})
    if missing or twice:
        raise InvalidLogbookError(f"columns missing: {missing}, named twice: {twice}")
    logbook = Logbook(unknown_columns=[name for name in names if name and name not in _KNOWN])
    for row_number, cells in enumerate(rows[N_HEADER_ROWS:], start=N_HEADER_ROWS + 1):
        if any(cell.strip() for cell in cells):
            _add_row(logbook, row_number, cells, names, station_id)
    if not logbook.rows:
        raise InvalidLogbookError("no row with a valid station, conf and start")
    return logbook


def _add_row(logbook: Logbook, row_number: int, cells: list[str], names: list[str], station_id: int) -> None:
    text = ",".join(cells)[:KEPT_CHARACTERS]
    warnings: list[str] = []
    try:
        if len(cells) != len(names):
            raise _RowError("column_count", f"{len(cells)} of {len(names)}")
        row = _read_row(dict(zip(names, (cell.strip() for cell in cells), strict=True)), station_id, warnings)
    except _RowError as error:
        logbook.rejects.append(LogbookReject(row_number, error.reason, error.detail, text))
        return
    logbook.rows.append(row | {"row_number": row_number})
    logbook.rejects += [LogbookReject(row_number, "bad_number", warning, text, True) for warning in warnings]


def _read_row(cells: dict[str, str], station_id: int, warnings: list[str]) -> dict[str, Any]:
    """One configuration; texts that are no numbers become NULL and a warning."""
    station = _number(cells["station"])
    if station is None or station not in range(MAX_STATION + 1):
        raise _RowError("bad_station", cells["station"])
    if station != station_id:
        raise _RowError("wrong_station", cells["station"])
    conf_number = _number(cells["conf"])
    if conf_number is None:
        raise _RowError("bad_conf", cells["conf"])
    valid_from = _date(cells["start"])
    if valid_from is None:
        raise _RowError("bad_start", cells["start"])
    valid_to = _date(cells["end"])
    if cells["end"] and valid_to is None:
        raise _RowError("bad_end", cells["end"])
    if valid_to and valid_to < valid_from:
        raise _RowError("end_before_start", f"{cells['start']} {cells['end']}")

    def optional(name: str, convert: Callable[[str], float | int | None]) -> float | int | None:
        cell = cells.get(name, "")
        value = convert(cell)
        if cell and value is None:
            warnings.append(f"{name} {cell}")
        return value

    return {
        "station_id": station_id,
        "conf_number": conf_number,
        "valid_from": valid_from,
        "valid_to": valid_to,
        **{column: optional(name, _number) for name, column in _NUMBERS.items()},
        **{column: optional(name, _integer) for name, column in _INTEGERS.items()},
        **{column: cells.get(name) or None for name, column in _TEXTS.items()},
    }


def _number(text: str) -> float | None:
    """A finite number with a point or a comma as decimal sign."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if isfinite(value) else None


def _integer(text: str) -> int | None:
    value = _number(text)
    return int(value) if value is not None and value.is_integer() and abs(value) <= _INT32_MAX else None


def _date(text: str) -> date | None:
    """The day of ``YYYY-MM-DD``, with or without a time behind it."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?", text):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def extract_logbook(landing: Path, lake: Path) -> LogbookSummary:
    """Bring the newest sheet of each station and fetch day from landing into the lake; unchanged sheets are skipped.

    An invalid sheet is reported and the newest valid one of its day is used, so that a bad export never takes the
    place of a good one.
    """
    summary = LogbookSummary()
    write_schema_files(lake, (LOGBOOK, LOGBOOK_REJECT))
    by_day: dict[tuple[int, date], list[Path]] = {}
    for path in sorted((landing / "logbook").glob("station=*/*.csv")):
        station = path.parent.name.removeprefix("station=")
        if not station.isdecimal() or not _FETCHED_AT.fullmatch(path.stem):
            summary.failures.append((path.relative_to(landing).as_posix(), "not named after its time of fetch"))
            continue
        by_day.setdefault((int(station), _fetched_at(path).date()), []).append(path)
    for (station_id, day), paths in sorted(by_day.items()):
        for path in reversed(paths):
            if _extract_sheet(path, landing, lake, station_id, day, summary):
                break
    return summary


def _fetched_at(path: Path) -> datetime:
    return datetime.strptime(path.stem, "%Y%m%dT%H%M%SZ")


def _extract_sheet(path: Path, landing: Path, lake: Path, station_id: int, day: date, summary: LogbookSummary) -> bool:
    """Extract one sheet; False when it cannot be used."""
    source_file = path.relative_to(landing).as_posix()
    try:
        provenance = {
            "file_sha256": sha256_of_file(path),
            "source_file": source_file,
            "parser_version": str(PARSER_VERSION),
        }
        if _is_held(lake, LOGBOOK, station_id, day, provenance):
            summary.n_skipped += 1
            return True
        logbook = parse_logbook(path.read_bytes(), station_id)
    except (OSError, InvalidLogbookError) as error:
        summary.failures.append((source_file, str(error)))
        logger.warning("logbook %s is not used: %s", source_file, error)
        return False
    if logbook.unknown_columns:
        logger.info("logbook %s: unknown columns %s", source_file, logbook.unknown_columns)
    common = {
        "source_file": source_file,
        "file_sha256": provenance["file_sha256"],
        "fetched_at": _fetched_at(path),
    }
    rejects = [{"station_id": station_id, **vars(reject), **common} for reject in logbook.rejects]
    for dataset, rows in ((LOGBOOK_REJECT, rejects), (LOGBOOK, [row | common for row in logbook.rows])):
        write_table(
            lake,
            dataset,
            pa.Table.from_pylist(rows, dataset.schema),
            station_id=station_id,
            day=day,
            name=f"{dataset.name}.parquet",
            provenance=provenance,
        )
    summary.n_done += 1
    summary.n_rows += len(logbook.rows)
    n_warnings = sum(reject.is_warning for reject in logbook.rejects)
    summary.n_warnings += n_warnings
    summary.n_rejects += len(logbook.rejects) - n_warnings
    return True


def _is_held(lake: Path, dataset: Dataset, station_id: int, day: date, provenance: dict[str, str]) -> bool:
    """Whether the lake has this sheet as it is, its rejects included."""
    folders = [partition_folder(lake, kind, station_id, day) for kind in (dataset, LOGBOOK_REJECT)]
    files = [folder / f"{kind.name}.parquet" for folder, kind in zip(folders, (dataset, LOGBOOK_REJECT), strict=True)]
    return all(file.exists() and provenance.items() <= read_footer(file).items() for file in files)
