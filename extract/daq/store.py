"""Lake files of detector files: what is there by listing, writing them, and the mark that says what they came from."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from extract.daq.landing import LandingFile
from extract.daq.name import RawName
from extract.daq.schema import RAW_EVENT, RAW_FILE, RAW_HIT, RAW_REJECT
from warehouse.dataset import Dataset
from warehouse.lake import partition_folder, read_footer, write_table

EVENT_DATASETS = (RAW_HIT, RAW_EVENT, RAW_REJECT)
"""In the order of writing; `raw_file` follows as the commit mark."""

_NS = 10**9
_LAKE_NAME = re.compile(r"([^-]+)-([^-]{12})-p([0-9]+)\.parquet")
_HASH_RANGE = 10**8

Part = Literal["events", "rejects", "duplicate"]
_FLAGS: dict[Part, int] = {"events": 1, "rejects": 2, "duplicate": 4}


@dataclass(frozen=True)
class Source:
    """A landing file as it was when its content was read."""

    source_file: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, file: LandingFile) -> "Source":
        """The present state of a landing file."""
        return cls(file.source_file, file.size, file.mtime_ns)


def stamp(source: Source, parts: Iterable[Part]) -> int:
    """Modification time (ns) that marks a `raw_file` lake file as made from ``source`` and having ``parts``.

    Whole seconds are those of the landing file; the fraction holds a hash of its path and size, and what else belongs
    to the file in the lake. A mark that does not fit (a copied lake) costs one look into the footer, nothing more.
    """
    digest = blake2b(f"{source.source_file}\n{source.size}\n{source.mtime_ns}".encode(), digest_size=8).digest()
    fraction = int.from_bytes(digest) % _HASH_RANGE * 8 + sum(_FLAGS[part] for part in set(parts))
    return source.mtime_ns // _NS * _NS + fraction


def parts_of_stamp(mtime_ns: int, source: Source) -> set[Part] | None:
    """What a mark says belongs to the file, None where the mark is not of ``source``."""
    flags = mtime_ns % _NS % 8
    parts: set[Part] = {part for part, flag in _FLAGS.items() if flags & flag}
    return parts if stamp(source, parts) == mtime_ns else None


@dataclass(frozen=True)
class LakeEntry:
    """A lake file by its name ``<base_name>-<sha12>-p<version>.parquet``, the same in every dataset."""

    name: str
    base_name: str
    sha12: str
    parser_version: int
    mtime_ns: int = 0


@dataclass
class StationLake:
    """What the lake holds of a station, by listing: `raw_file` entries and names per dataset, by base name."""

    files: dict[str, list[LakeEntry]] = field(default_factory=dict)
    names: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def has(self, dataset: Dataset, entry: LakeEntry) -> bool:
        """Whether the dataset has a file of the same name."""
        return entry.name in self.names[dataset.name].get(entry.base_name, ())

    def left_over(self, entry: LakeEntry) -> bool:
        """Whether the event datasets hold files of another content or parser version."""
        return any(names.get(entry.base_name, set()) - {entry.name} for names in self.names.values())


def list_station(lake: Path, station_id: int) -> StationLake:
    """List the lake files of a station; only the `raw_file` entries are stat'ed, nothing is opened."""
    found = StationLake(names={dataset.name: {} for dataset in EVENT_DATASETS})
    for dataset in EVENT_DATASETS:
        names = found.names[dataset.name]
        for match, _ in _entries(lake, dataset, station_id):
            names.setdefault(match[1], set()).add(match[0])
    for match, entry in _entries(lake, RAW_FILE, station_id):
        name, base_name, sha12, version = match[0], match[1], match[2], int(match[3])
        one = LakeEntry(name, base_name, sha12, version, entry.stat().st_mtime_ns)
        found.files.setdefault(base_name, []).append(one)
    return found


def _entries(lake: Path, dataset: Dataset, station_id: int) -> Iterator[tuple[re.Match[str], os.DirEntry[str]]]:
    """Lake files of a station in one dataset, with the parts of their names."""
    folder = lake / dataset.name / f"station={station_id}"
    if not folder.is_dir():
        return
    with os.scandir(folder) as days:
        day_folders = [day.path for day in days if day.is_dir() and day.name.startswith("date=")]
    for day_folder in day_folders:
        with os.scandir(day_folder) as entries:
            for entry in entries:
                if match := _LAKE_NAME.fullmatch(entry.name):
                    yield match, entry


@dataclass
class StoredFile:
    """A `raw_file` row with what its footer says about its sources, newest first."""

    path: Path
    row: dict[str, Any]
    sources: list[Source]

    @property
    def name(self) -> str:
        """The name its files have in every dataset."""
        return self.path.name


def read_stored(path: Path) -> StoredFile:
    """Read one `raw_file` lake file."""
    footer = read_footer(path)
    row = pq.ParquetFile(path).read().to_pylist()[0]
    return StoredFile(path, row, [Source(*source) for source in json.loads(footer.get("sources", "[]"))])


def parts_of_row(row: dict[str, Any]) -> set[Part]:
    """What belongs to a current file in the lake besides its `raw_file` row."""
    parts: set[Part] = set()
    if not row["is_current"]:
        return parts
    if row["n_events"]:
        parts.add("events")
    if row["n_rejects"] or row["n_fragments"]:
        parts.add("rejects")
    if row["status"] == "duplicate_content":
        parts.add("duplicate")
    return parts


def write_stored(lake: Path, name: str, row: dict[str, Any], sources: list[Source]) -> None:
    """Write one `raw_file` row, the commit mark of its content."""
    path = write_table(
        lake,
        RAW_FILE,
        pa.Table.from_pylist([row], RAW_FILE.schema),
        station_id=row["station_id"],
        day=row["start_time"].date(),
        name=name,
        provenance={
            **_provenance(row["content_sha256"], row["parser_version"]),
            "sources": json.dumps([[source.source_file, source.size, source.mtime_ns] for source in sources]),
        },
    )
    if sources:
        mark = stamp(sources[0], parts_of_row(row))
        os.utime(path, ns=(mark, mark))


def restamp(stored: StoredFile) -> None:
    """Put the mark back on a file that lost it by copying."""
    if stored.sources:
        mark = stamp(stored.sources[0], parts_of_row(stored.row))
        os.utime(stored.path, ns=(mark, mark))


def write_part(
    lake: Path, dataset: Dataset, table: pa.Table, raw: RawName, name: str, sha256: str, version: int
) -> None:
    """Write the rows of one content in one of the event datasets."""
    write_table(
        lake,
        dataset,
        table,
        station_id=raw.station_id,
        day=raw.start_time.date(),
        name=name,
        provenance=_provenance(sha256, version),
    )


def _provenance(content_sha256: str, parser_version: int) -> dict[str, str]:
    return {"content_sha256": content_sha256, "parser_version": str(parser_version)}


def part_names(lake: Path, dataset: Dataset, station_id: int, day: date, base_name: str) -> set[str]:
    """Names of the lake files of a base name in one dataset."""
    return {path.name for path in partition_folder(lake, dataset, station_id, day).glob(f"{base_name}-*.parquet")}


def remove(lake: Path, dataset: Dataset, station_id: int, day: date, name: str) -> None:
    """Remove a lake file if it is there."""
    (partition_folder(lake, dataset, station_id, day) / name).unlink(missing_ok=True)


def remove_left_overs(lake: Path, station_id: int, day: date, base_name: str) -> None:
    """Remove temporary files that a killed run left behind for a base name."""
    for dataset in (*EVENT_DATASETS, RAW_FILE):
        for path in partition_folder(lake, dataset, station_id, day).glob(f".{base_name}-*.tmp.*"):
            path.unlink(missing_ok=True)
