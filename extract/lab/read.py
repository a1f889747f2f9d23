"""A whole lab log: every line counted, readings as a table, the rest as rejects."""

from datetime import date, datetime

import pyarrow as pa

from extract.environment_file import LineCounts, Outcome, Reject, printable
from extract.lab.line import BLANKS, LineError, Reading, read_line
from extract.lab.schema import LAB_COMPUTER, LAB_ENV, LAB_FLOW, LAB_HV, LAB_RATES, LAB_WEIGHT
from warehouse.dataset import Dataset

DATASET_OF_KIND = {
    "env_ext": LAB_ENV,
    "env_int": LAB_ENV,
    "hv": LAB_HV,
    "rates": LAB_RATES,
    "flow": LAB_FLOW,
    "computer": LAB_COMPUTER,
    "weight": LAB_WEIGHT,
}
N_HEAD_COLUMNS = 6
N_PROVENANCE_COLUMNS = 7


def value_columns(dataset: Dataset) -> list[str]:
    """Names of the columns between the common head and the provenance, in file order."""
    return [column.name for column in dataset.columns[N_HEAD_COLUMNS:-N_PROVENANCE_COLUMNS]]


def read_log(
    content: bytes, kind: str, file_date: date | None, fetched_at: datetime, remote_folder: str = "done"
) -> Outcome:
    """Readings, rejects and counters of a log; never raises for what the bytes are.

    A last line without line end is still being written when the file lies in the top folder: it is counted, not read.
    """
    if not content:
        return Outcome(status="empty_file", date_from=file_date, date_to=file_date)
    counts = LineCounts()
    readings: list[Reading] = []
    line_numbers: list[int] = []
    rejects: list[Reject] = []
    lines = content.split(b"\n")
    tail = lines.pop()
    counts.n_lines = len(lines) + bool(tail)
    if tail and remote_folder == "top":
        counts.n_pending_tail = 1
    elif tail:
        lines.append(tail)
    for number, line in enumerate(lines, start=1):
        text = line.decode("latin-1").strip(BLANKS)
        if not text:
            counts.n_blank += 1
            continue
        try:
            reading = read_line(text, kind, file_date, fetched_at)
        except LineError as error:
            counts.n_rejects += 1
            rejects.append(Reject(error.reason, error.detail, printable(line.rstrip(b"\r")), number))
            continue
        readings.append(reading)
        line_numbers.append(number)
        if reading.row_status == "short":
            counts.n_short += 1
        else:
            counts.n_ok += 1
    counts.check_balance()
    dataset = DATASET_OF_KIND[kind]
    table = _table(dataset, readings, line_numbers, file_date, remote_folder, len(content))
    days = [file_date] if file_date else sorted(reading.read_at.date() for reading in readings)
    return Outcome(
        counts=counts,
        rejects=rejects,
        tables=[(dataset, table)],
        date_from=days[0] if days else None,
        date_to=days[-1] if days else None,
    )


def _table(
    dataset: Dataset,
    readings: list[Reading],
    line_numbers: list[int],
    file_date: date | None,
    remote_folder: str,
    file_size_bytes: int,
) -> pa.Table:
    """Rows sorted by time, then line; without station and provenance, except for the line number."""
    order = sorted(range(len(readings)), key=lambda i: (readings[i].read_at, line_numbers[i]))
    rows = [readings[i] for i in order]
    columns: dict[str, list[object]] = {
        "read_at": [row.read_at for row in rows],
        "file_date": [file_date or row.read_at.date() for row in rows],
        "row_status": [row.row_status for row in rows],
        "remote_folder": [remote_folder] * len(rows),
        "file_size_bytes": [file_size_bytes] * len(rows),
        "line_number": [line_numbers[i] for i in order],
    }
    for position, name in enumerate(value_columns(dataset)):
        columns[name] = [row.values[position] for row in rows]
    types = {column.name: column.type for column in dataset.columns}
    return pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
