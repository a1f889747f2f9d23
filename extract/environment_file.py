"""From a read landing file to the lake, the same for lab logs, ERA5 and NMDB.

A file is done when its row of `env_file`, a lake file named ``<landing name>-<sha12>-p<parser_version>.parquet``, is
there. It is written last. What is done is therefore known by listing names, without opening the lake.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extract.provenance import ENV_FILE, ENV_REJECT
from extract.transfer.sidecar import modification_time, now_utc, read_sidecar
from warehouse.dataset import Dataset
from warehouse.files import sha256_of_file
from warehouse.lake import list_files, read_footer, write_table

TEXT_LIMIT_BYTES = 1024
NETWORK_PARTITION = 0


@dataclass(frozen=True)
class LandingFile:
    """A landing file of an environment source and its origin. Times are naive UTC."""

    path: Path
    landing: Path
    source: str
    station_id: int | None
    kind: str
    sha256: str
    size_bytes: int
    fetched_at: datetime
    is_fetched_at_guessed: bool
    remote_modified_at: datetime | None
    request: Mapping[str, Any]

    @property
    def source_file(self) -> str:
        """Path relative to the landing root."""
        return self.path.relative_to(self.landing).as_posix()

    @property
    def partition_station(self) -> int:
        """Station of the partition; files of the whole network lie under 0."""
        return NETWORK_PARTITION if self.station_id is None else self.station_id

    @property
    def stem(self) -> str:
        """First part of the names of all lake files made from it, whatever the parser version."""
        return f"{self.path.name}-{self.sha256[:12]}"

    def lake_name(self, parser_version: int) -> str:
        """Name of all lake files made from it."""
        return f"{self.stem}-p{parser_version}.parquet"


@dataclass(frozen=True)
class Reject:
    """A line, hour or file that was not used, and why."""

    reason: str
    detail: str = ""
    line_text: str | None = None
    line_number: int | None = None


@dataclass
class LineCounts:
    """Counters of one file; for text files the parts add up to ``n_lines``."""

    n_lines: int = 0
    n_blank: int = 0
    n_header: int = 0
    n_ok: int = 0
    n_short: int = 0
    n_rejects: int = 0
    n_pending_tail: int = 0

    def check_balance(self) -> None:
        """Assert that every physical line of a text file was counted once."""
        parts = self.n_blank + self.n_header + self.n_ok + self.n_short + self.n_rejects + self.n_pending_tail
        assert self.n_lines == parts, f"{self.n_lines} lines, but {parts} counted: {self}"


@dataclass
class Outcome:
    """What a file gave: rows per dataset (without provenance columns), rejects, counters and a verdict."""

    status: str = "ok"
    detail: str | None = None
    terms_text: str | None = None
    counts: LineCounts = field(default_factory=LineCounts)
    rejects: list[Reject] = field(default_factory=list)
    tables: list[tuple[Dataset, pa.Table]] = field(default_factory=list)
    date_from: date | None = None
    date_to: date | None = None

    @property
    def n_rows(self) -> int:
        """Rows for the lake."""
        return sum(table.num_rows for _, table in self.tables)


def rejected(reason: str, detail: str = "") -> Outcome:
    """The outcome of a file that cannot be used at all."""
    text = f"{reason}: {detail}" if detail else reason
    return Outcome(status="rejected", detail=text, rejects=[Reject(reason, detail)])


def describe(path: Path, landing: Path, *, source: str, station_id: int | None, kind: str) -> LandingFile:
    """Origin of a landing file: from its sidecar while the size agrees, else from the file itself.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    size = path.stat().st_size
    sidecar = read_sidecar(path)
    is_known = sidecar is not None and sidecar.size == size and len(sidecar.file_sha256) == 64
    return LandingFile(
        path=path,
        landing=landing,
        source=source,
        station_id=station_id,
        kind=kind,
        sha256=sidecar.file_sha256 if sidecar and is_known else sha256_of_file(path),
        size_bytes=size,
        fetched_at=sidecar.fetched_at if sidecar else modification_time(path),
        is_fetched_at_guessed=sidecar is None,
        remote_modified_at=sidecar.remote_modified_at if sidecar else None,
        request=sidecar.request if sidecar else {},
    )


class Marks:
    """Commit marks in the lake: which files are done, and where the rows of a file lie."""

    def __init__(self, lake: Path, datasets: Sequence[Dataset]) -> None:
        self._lake = lake
        self._datasets = datasets
        self._marks = {self._key(path): path for path in list_files(lake, ENV_FILE)}
        self._by_stem: dict[tuple[str, str], set[Path]] | None = None

    @staticmethod
    def _key(path: Path) -> tuple[int, str]:
        return int(path.parent.parent.name.removeprefix("station=")), path.name

    def find(self, file: LandingFile, parser_version: int) -> Path | None:
        """The commit mark of a file under this parser version."""
        return self._marks.get((file.partition_station, file.lake_name(parser_version)))

    def add(self, mark: Path) -> None:
        """Remember a mark that was just written."""
        self._marks[self._key(mark)] = mark

    def other_lake_files(self, file: LandingFile, written: Iterable[Path]) -> list[Path]:
        """Lake files of earlier extractions of this file (older parser, interrupted run), ``written`` left out."""
        if self._by_stem is None:
            self._by_stem = defaultdict(set)
            for dataset in (*self._datasets, ENV_REJECT, ENV_FILE):
                is_by_station = "station" in dataset.partition
                for path in list_files(self._lake, dataset):
                    station = path.parent.parent.name if is_by_station else ""
                    self._by_stem[station, path.name.rpartition("-p")[0]].add(path)
        station = f"station={file.partition_station}"
        found = self._by_stem.get((station, file.stem), set()) | self._by_stem.get(("", file.stem), set())
        return sorted(found.difference(written))


def commit(lake: Path, marks: Marks, file: LandingFile, outcome: Outcome, parser_version: int) -> Path:
    """Write rows and rejects of a file, remove what an earlier extraction left, then write the commit mark.

    Rows of a file that covers one day go to the partition of that day. Otherwise there is one lake file for each
    calendar month, in the partition of the month's first day. Without any day the day of the fetch is taken.
    A superseded file leaves only its mark: its rows are in the longer version.
    """
    name = file.lake_name(parser_version)
    footer = {
        "source": file.source,
        "source_file": file.source_file,
        "file_sha256": file.sha256,
        "parser_version": str(parser_version),
        "created_at": now_utc().isoformat() + "Z",
    }
    mark_day = _file_partition(file, outcome)
    written = []
    if outcome.status != "superseded":
        for dataset, table in outcome.tables:
            whole = _with_provenance(table, dataset, file, parser_version)
            for day, part in _parts(whole, dataset, outcome):
                written.append(
                    write_table(
                        lake, dataset, part, station_id=file.partition_station, day=day, name=name, provenance=footer
                    )
                )
        if outcome.rejects:
            rejects = _reject_table(file, outcome.rejects, parser_version)
            written.append(
                write_table(
                    lake,
                    ENV_REJECT,
                    rejects,
                    station_id=file.partition_station,
                    day=mark_day,
                    name=name,
                    provenance=footer,
                )
            )
    for path in marks.other_lake_files(file, written):
        path.unlink(missing_ok=True)
    mark = write_table(
        lake,
        ENV_FILE,
        _file_table(file, outcome, parser_version),
        station_id=file.partition_station,
        day=mark_day,
        name=name,
        provenance=footer,
    )
    marks.add(mark)
    return mark


def mark_superseded(lake: Path, mark: Path) -> None:
    """Set the status in a commit mark to `superseded`; the rows of the file stay."""
    table = pq.read_table(mark, partitioning=None)
    if table.column("status").to_pylist() != ["ok"]:
        return
    position = table.schema.get_field_index("status")
    changed = table.set_column(position, table.schema.field(position), pa.array(["superseded"]))
    day = date.fromisoformat(mark.parent.name.removeprefix("date="))
    station_id = int(mark.parent.parent.name.removeprefix("station="))
    write_table(lake, ENV_FILE, changed, station_id=station_id, day=day, name=mark.name, provenance=read_footer(mark))


def printable(line: bytes) -> str:
    r"""The first 1,024 bytes of a line, all but printable ASCII written as ``\xNN``."""
    return "".join(chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}" for b in line[:TEXT_LIMIT_BYTES])


def _file_partition(file: LandingFile, outcome: Outcome) -> date:
    first, last = outcome.date_from, outcome.date_to
    if first is None or last is None:
        return file.fetched_at.date()
    return first if first == last else first.replace(day=1)


def _parts(table: pa.Table, dataset: Dataset, outcome: Outcome) -> list[tuple[date, pa.Table]]:
    if table.num_rows == 0:
        return []
    if outcome.date_from is not None and outcome.date_from == outcome.date_to:
        return [(outcome.date_from, table)]
    time_column = next(column.name for column in dataset.columns if pa.types.is_timestamp(column.type))
    months = pc.cast(pc.floor_temporal(table.column(time_column), unit="month"), pa.date32())
    return [
        (month, table.filter(pc.equal(months, pa.scalar(month, pa.date32()))))
        for month in sorted(month for month in pc.unique(months).to_pylist() if month is not None)
    ]


def _provenance(file: LandingFile, parser_version: int) -> dict[str, Any]:
    return {
        "source": file.source,
        "source_file": file.source_file,
        "file_sha256": file.sha256,
        "fetched_at": file.fetched_at,
        "is_fetched_at_guessed": file.is_fetched_at_guessed,
        "parser_version": parser_version,
    }


def _with_provenance(table: pa.Table, dataset: Dataset, file: LandingFile, parser_version: int) -> pa.Table:
    constants = {**_provenance(file, parser_version), "station_id": file.station_id}
    columns: dict[str, Any] = {}
    for column in dataset.columns:
        if column.name in constants:
            value: Any = pa.scalar(constants[column.name], column.type)
            columns[column.name] = pa.repeat(value, table.num_rows)
        else:
            columns[column.name] = table.column(column.name).cast(column.type)
    return pa.table(columns, schema=dataset.schema)


def _reject_table(file: LandingFile, rejects: Sequence[Reject], parser_version: int) -> pa.Table:
    constants = {**_provenance(file, parser_version), "station_id": file.station_id, "kind": file.kind}
    rows = [
        {
            **constants,
            "line_number": reject.line_number,
            "line_text": reject.line_text,
            "reason": reject.reason,
            "detail": reject.detail or None,
        }
        for reject in rejects
    ]
    return pa.Table.from_pylist(rows, schema=ENV_REJECT.schema)


def _file_table(file: LandingFile, outcome: Outcome, parser_version: int) -> pa.Table:
    parts = file.path.relative_to(file.landing).parts
    row = {
        **_provenance(file, parser_version),
        **vars(outcome.counts),
        "station_id": file.station_id,
        "kind": file.kind,
        "file_date_from": outcome.date_from,
        "file_date_to": outcome.date_to,
        "file_size_bytes": file.size_bytes,
        "remote_folder": parts[2] if file.source == "lab_log" else None,
        "remote_modified_at": file.remote_modified_at,
        "extracted_at": now_utc(),
        "status": outcome.status,
        "detail": outcome.detail,
        "terms_text": outcome.terms_text,
    }
    return pa.Table.from_pylist([row], schema=ENV_FILE.schema)
