"""What landing and lake hold of the detector files a server lists; nothing else of the lake is looked at."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from extract.daq.landing import list_files
from extract.daq.name import RawName
from extract.daq.schema import RAW_FILE
from extract.transfer.place import without_version
from warehouse.lake import partition_folder

logger = logging.getLogger(__name__)

_CONTAINERS = {".tar.gz": "tar_gz", "-tar-gz": "tar_gz", ".gz": "gz"}


@dataclass(frozen=True)
class Extracted:
    """The current content of a file in the lake: kind, container and size (bytes) of the landing file it came from."""

    kind: str
    container: str
    size: int


@dataclass
class Held:
    """Detector files of one station that are here.

    ``sizes``: bytes of all versions in landing by name; ``names``: names in landing by base name and kind;
    ``extracted``: current content in the lake by base name.
    """

    sizes: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    names: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    extracted: dict[str, Extracted] = field(default_factory=dict)

    def holds(self, name: RawName, kind: str, size: int) -> bool:
        """Whether a remote file need not be fetched.

        It is here with this size, or in another container; or the lake has it, from another container or from a file of
        this size (landing may have been emptied).
        """
        if size in self.sizes.get(name.file_name, ()):
            return True
        if self.names.get((name.base_name, kind), set()) - {name.file_name}:
            return True
        lake = self.extracted.get(name.base_name)
        return lake is not None and lake.kind == kind and (lake.container != container_of(name) or lake.size == size)

    def has_text(self, base_name: str) -> bool:
        """Whether the text of a file is here."""
        lake = self.extracted.get(base_name)
        return (base_name, "dat") in self.names or (lake is not None and lake.kind == "dat")


def container_of(name: RawName) -> str:
    """`plain`, `gz` or `tar_gz` by the ending of a name."""
    lower = name.file_name.lower()
    return next((word for ending, word in _CONTAINERS.items() if lower.endswith(ending)), "plain")


def find_held(landing: Path, lake: Path, station_id: int, names: Iterable[RawName]) -> Held:
    """Look for files by name: landing is listed, and of the lake the rows are read of files that landing lacks.

    A file that landing has is settled by it, in whatever container: stations compress what was fetched as plain text.
    """
    held = Held()
    for base_name, files in list_files(landing, station_id).groups.items():
        for file in files:
            plain = without_version(file.name.file_name)
            held.sizes[plain].add(file.size)
            held.names[base_name, file.name.kind or "dat"].add(plain)
    unsettled = {name.base_name: name for name in names if (name.base_name, name.kind or "dat") not in held.names}
    by_day: dict[Path, set[str]] = defaultdict(set)
    for name in unsettled.values():
        by_day[partition_folder(lake, RAW_FILE, station_id, name.start_time.date())].add(name.base_name)
    paths = [path for folder, base_names in by_day.items() for path in _rows_of(folder, base_names)]
    held.extracted.update(_read_rows(paths))
    return held


def _rows_of(folder: Path, base_names: set[str]) -> list[str]:
    """The `raw_file` lake files of some files of one day."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.name.partition("-")[0] in base_names]


def _read_rows(paths: list[str]) -> dict[str, Extracted]:
    """The current rows by base name; about half a millisecond a file. A damaged file of the lake holds nothing."""
    if not paths:
        return {}
    with duckdb.connect(config={"threads": 2}) as connection:
        try:
            return _query(connection, paths)
        except duckdb.Error:
            rows: dict[str, Extracted] = {}
            for path in paths:
                try:
                    rows |= _query(connection, [path])
                except duckdb.Error as error:
                    logger.warning(
                        "%s cannot be read, its file counts as missing: %s", path, str(error).partition("\n")[0]
                    )
            return rows


def _query(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> dict[str, Extracted]:
    rows = connection.execute(
        "select base_name, source_kind, container, file_size_bytes"
        " from read_parquet(?, hive_partitioning = false) where is_current",
        [paths],
    ).fetchall()
    return {base_name: Extracted(kind, container, size) for base_name, kind, container, size in rows}
