"""All versions of one detector file: which content is current, and the lake files each of them needs."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extract.daq.container import Content, open_content
from extract.daq.counters import HldCounters
from extract.daq.hld.read import parse_hld_content
from extract.daq.landing import LandingFile, read_sidecar
from extract.daq.limits import DEFAULT_LIMITS, Limits
from extract.daq.parser import parse_content
from extract.daq.reading import RawResult
from extract.daq.schema import PARSER_VERSION, RAW_EVENT, RAW_FILE, RAW_HIT, RAW_REJECT, lake_file_name
from extract.daq.store import (
    EVENT_DATASETS,
    Part,
    Source,
    StoredFile,
    part_names,
    parts_of_row,
    read_stored,
    remove,
    remove_left_overs,
    restamp,
    write_part,
    write_stored,
)
from warehouse.dataset import Dataset
from warehouse.lake import partition_folder

UNREADABLE = ("bad_container", "container_unsafe", "too_large", "binary_file", "empty_file")
"""Statuses of contents that hold nothing to read; they never take the place of a readable content."""


@dataclass(frozen=True)
class GroupOutcome:
    """What became of one file.

    ``name`` and ``parts`` are of its current lake files; ``row`` is its current `raw_file` row when anything was
    written, None when all was there.
    """

    base_name: str
    name: str | None
    parts: frozenset[Part]
    row: dict[str, Any] | None = None


@dataclass
class _Version:
    """One content of a file: its `raw_file` row if it has one of this parser, where it lies, its bytes if opened."""

    sha256: str
    stored: StoredFile | None = None
    files: list[LandingFile] = field(default_factory=list)
    content: Content | None = None
    result: RawResult | None = None

    @property
    def newest(self) -> LandingFile | None:
        """The landing file the row is about."""
        return max(self.files, key=_age, default=None)

    @property
    def _recorded(self) -> list[Source]:
        return self.stored.sources if self.stored else []

    @property
    def kind(self) -> str:
        """`dat` or `hld`, of a content that is stored or was opened."""
        if self.content:
            return self.content.kind
        return str(self.stored.row["source_kind"]) if self.stored else "dat"

    @property
    def size(self) -> int:
        """Decompressed bytes."""
        if self.content:
            return self.content.facts.content_size_bytes
        return int(self.stored.row["content_size_bytes"]) if self.stored else 0

    @property
    def status(self) -> str:
        """The status, as far as the order of versions needs it."""
        if self.result:
            return self.result.status
        return str(self.stored.row["status"]) if self.stored else "ok"

    def rank(self, present: set[str]) -> tuple[bool, bool, bool, datetime, int]:
        """Order of the versions, the greatest is the current one unless it is a cut copy.

        Text is better than HLD whatever the times, as long as it can be read. ``present`` are the paths now in landing:
        a content whose path holds another one was overwritten.
        """
        is_overwritten = not self.files and any(s.source_file in present for s in self._recorded)
        if self.newest:
            modified_at, version = read_sidecar(self.newest).modified_at, self.newest.name.version_number
        else:
            assert self.stored
            modified_at = self.stored.row["remote_modified_at"] or datetime.min
            version = self.stored.row["version_number"]
        return self.status not in UNREADABLE, self.kind == "dat", not is_overwritten, modified_at, version

    def open(self, limits: Limits) -> Content:
        """The bytes, opened if they are not."""
        if self.content is None:
            assert self.newest
            self.content = open_content(self.newest.path, self.newest.name, limits)
        return self.content

    def parse(self, limits: Limits) -> RawResult:
        """The parsed content, parsed if it is not."""
        if self.result is None:
            content = self.open(limits)
            self.result = parse_hld_content(content) if content.kind == "hld" else parse_content(content)
        return self.result


def settle_group(
    lake: Path, files: list[LandingFile], limits: Limits, *, verify: bool = False, force: bool = False
) -> GroupOutcome:
    """Bring the lake files of one detector file in line with its landing files; does nothing where they are.

    Parameters
    ----------
    verify
        Compare contents by hash instead of sizes and times.
    force
        Write the current content again, as if it were new.

    Raises
    ------
    OSError
        When a landing file cannot be read or a lake file cannot be written.
    """
    return _Group(lake, files, limits).settle(verify=verify, force=force)


def is_settled(lake: Path, files: list[LandingFile]) -> bool:
    """Whether the lake holds a detector file as it lies in landing, by sizes and times; of landing nothing is opened.

    Raises
    ------
    OSError
        When a lake file cannot be read.
    """
    return _Group(lake, files, DEFAULT_LIMITS).is_settled()


class _Group:
    """One detector file: its landing files and its lake files."""

    def __init__(self, lake: Path, files: list[LandingFile], limits: Limits) -> None:
        self._lake, self._limits = lake, limits
        self._files = sorted(files, key=_age)
        self._raw = files[0].name
        self._day = self._raw.start_time.date()
        folder = partition_folder(lake, RAW_FILE, self._raw.station_id, self._day)
        self._stored = [read_stored(path) for path in sorted(folder.glob(f"{self._raw.base_name}-*.parquet"))]

    def settle(self, *, verify: bool, force: bool) -> GroupOutcome:
        versions, is_new = self._find_versions(verify=verify)
        if not is_new and not force and (done := self._done()):
            restamp(done)
            return GroupOutcome(self._raw.base_name, done.name, frozenset(parts_of_row(done.row)))
        remove_left_overs(self._lake, self._raw.station_id, self._day, self._raw.base_name)
        current = self._choose(versions)
        row = self._write(current, is_current=True, force=force)
        for version in versions:
            if version is not current:
                self._write(version, is_current=False)
        self._remove_superseded(current, versions)
        return GroupOutcome(self._raw.base_name, _name(current), frozenset(parts_of_row(row)), row)

    def is_settled(self) -> bool:
        """Whether every landing file is a source of a row of this parser, and everything of the file is there."""
        rows = (stored for stored in self._stored if stored.row["parser_version"] == PARSER_VERSION)
        known = {source for stored in rows for source in stored.sources}
        return all(Source.of(file) in known for file in self._files) and self._done() is not None

    def _find_versions(self, *, verify: bool) -> tuple[list[_Version], bool]:
        """The contents of the file, and whether any landing file is not what the lake knows."""
        versions = {
            stored.row["content_sha256"]: _Version(stored.row["content_sha256"], stored)
            for stored in self._stored
            if stored.row["parser_version"] == PARSER_VERSION
        }
        known = {source: v.sha256 for v in versions.values() if v.stored for source in v.stored.sources}
        is_new = False
        for file in self._files:
            content = None
            sha256 = known.get(Source.of(file))
            if sha256 is None or verify:
                content = open_content(file.path, file.name, self._limits)
                is_new |= content.facts.content_sha256 != sha256
                sha256 = content.facts.content_sha256
            version = versions.setdefault(sha256, _Version(sha256))
            version.files.append(file)
            version.content = content  # of the newest file, which comes last
        return list(versions.values()), is_new

    def _done(self) -> StoredFile | None:
        """The current row, when everything that belongs to the file is in the lake and nothing else is."""
        current = [stored for stored in self._stored if stored.row["is_current"]]
        if len(current) != 1 or current[0].row["parser_version"] != PARSER_VERSION or self._outdated():
            return None
        names = {dataset: self._names(dataset) for dataset in EVENT_DATASETS}
        return current[0] if names == _expected_names(current[0].row, current[0].name) else None

    def _outdated(self) -> list[StoredFile]:
        """Rows of older parsers for contents that have a row of this one."""
        present = {s.row["content_sha256"] for s in self._stored if s.row["parser_version"] == PARSER_VERSION}
        old = (stored for stored in self._stored if stored.row["parser_version"] != PARSER_VERSION)
        return [stored for stored in old if stored.row["content_sha256"] in present]

    def _names(self, dataset: Dataset) -> set[str]:
        return part_names(self._lake, dataset, self._raw.station_id, self._day, self._raw.base_name)

    def _choose(self, versions: list[_Version]) -> _Version:
        """The current version: the newest readable one that is not a cut copy of an older one."""
        if len(versions) == 1:
            return versions[0]
        for version in versions:
            if version.stored is None:
                version.parse(self._limits)
        present = {file.source_file for file in self._files}
        ordered = sorted(versions, key=lambda version: version.rank(present), reverse=True)
        for index, version in enumerate(ordered):
            if not any(self._is_cut(version, older) for older in ordered[index + 1 :]):
                return version
        return ordered[0]

    def _is_cut(self, version: _Version, older: _Version) -> bool:
        """Whether ``version`` is a strict prefix of ``older``; unknown, so false, when the older file is gone."""
        if not older.files or older.status in UNREADABLE or version.kind != older.kind or version.size >= older.size:
            return False
        digest = hashlib.sha256()
        for part in _first_bytes(older.open(self._limits), version.size):
            digest.update(part)
        return digest.hexdigest() == version.sha256

    def _write(self, version: _Version, *, is_current: bool, force: bool = False) -> dict[str, Any]:
        """Write what a version lacks; the `raw_file` row last."""
        stored = version.stored
        if stored and not force and (not is_current or self._has_parts(stored)):
            row = stored.row | {"is_current": is_current}
            sources = self._sources(version)
            if version.newest and sources != stored.sources:
                row |= _source_columns(version.newest) | _file_columns(version.open(self._limits))
            if row != stored.row or sources != stored.sources:
                write_stored(self._lake, stored.name, row, sources)
            return row
        if version.newest is None:
            assert stored
            return stored.row
        result = version.parse(self._limits)
        if is_current:
            self._write_parts(result, version.sha256)
        row = _row(result, version.newest, version.kind, is_current=is_current)
        write_stored(self._lake, _name(version), row, self._sources(version))
        return row

    def _has_parts(self, stored: StoredFile) -> bool:
        expected = _expected_names(stored.row | {"is_current": True}, stored.name)
        return all(names <= self._names(dataset) for dataset, names in expected.items())

    def _write_parts(self, result: RawResult, sha256: str) -> None:
        name = lake_file_name(self._raw.base_name, sha256)
        tables = {RAW_HIT: result.hits, RAW_EVENT: result.events} if len(result.events) else {}
        if len(result.rejects):
            tables[RAW_REJECT] = result.rejects
        for dataset, table in tables.items():
            write_part(self._lake, dataset, table, self._raw, name, sha256, PARSER_VERSION)

    def _sources(self, version: _Version) -> list[Source]:
        """Landing files with this content, newest first; files that left landing are remembered."""
        present = [Source.of(file) for file in sorted(version.files, key=_age, reverse=True)]
        paths = {file.source_file for file in self._files}
        recorded = version.stored.sources if version.stored else []
        return present + [source for source in recorded if source.source_file not in paths]

    def _remove_superseded(self, current: _Version, versions: list[_Version]) -> None:
        """Remove event files of other contents and parser versions, and rows of older parsers for known contents."""
        for dataset in EVENT_DATASETS:
            for name in self._names(dataset) - {_name(current)}:
                remove(self._lake, dataset, self._raw.station_id, self._day, name)
        contents = {version.sha256 for version in versions}
        for stored in self._stored:
            if stored.row["parser_version"] == PARSER_VERSION:
                continue
            if stored.row["content_sha256"] in contents:
                remove(self._lake, RAW_FILE, self._raw.station_id, self._day, stored.name)
            elif stored.row["is_current"]:
                write_stored(self._lake, stored.name, stored.row | {"is_current": False}, stored.sources)


def _age(file: LandingFile) -> tuple[int, int, str]:
    """Order of landing files of one content, the newest last."""
    return file.mtime_ns, file.name.version_number, file.source_file


def _name(version: _Version) -> str:
    """Name of the lake files of a version."""
    if version.newest is None:
        assert version.stored
        return version.stored.name
    return lake_file_name(version.newest.name.base_name, version.sha256)


def _expected_names(row: dict[str, Any], name: str) -> dict[Dataset, set[str]]:
    """The names each event dataset must hold for a row."""
    parts = parts_of_row(row)
    part_of: dict[Dataset, Part] = {RAW_HIT: "events", RAW_EVENT: "events", RAW_REJECT: "rejects"}
    return {dataset: {name} if part in parts else set() for dataset, part in part_of.items()}


def _first_bytes(content: Content, n_bytes: int) -> Iterator[bytes]:
    left = n_bytes
    for segment in content.segments():
        yield segment[:left]
        left -= min(left, len(segment))
        if not left:
            break


def _source_columns(file: LandingFile) -> dict[str, Any]:
    sidecar = read_sidecar(file)
    return {
        "file_name": file.name.file_name,
        "source_file": file.source_file,
        "remote_modified_at": sidecar.modified_at,
        "fetched_at": sidecar.fetched_at,
        "version_number": file.name.version_number,
    }


def _file_columns(content: Content) -> dict[str, Any]:
    return asdict(content.facts)


def _row(result: RawResult, file: LandingFile, kind: str, *, is_current: bool) -> dict[str, Any]:
    """The `raw_file` row of a parsed content."""
    assert result.name
    assert result.facts
    hld: dict[str, Any] = asdict(result.hld) if result.hld else dict.fromkeys(f.name for f in fields(HldCounters))
    return {
        "file_id": result.name.file_id,
        "station_id": result.name.station_id,
        "base_name": result.name.base_name,
        "source_kind": kind,
        "start_time": result.name.start_time,
        "extracted_at": datetime.now(UTC).replace(tzinfo=None),
        "parser_version": PARSER_VERSION,
        "status": result.status,
        "is_current": is_current,
        "duplicate_of_file_id": None,
        "param_hash": result.param_hash,
        "first_event_time": result.first_event_time,
        "last_event_time": result.last_event_time,
        **asdict(result.facts),
        **_source_columns(file),
        **asdict(result.counters),
        **hld,
    }
