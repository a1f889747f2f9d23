"""Detector text to Arrow tables: events, hits and rejects, with counters that add up."""

from collections.abc import Iterable
from pathlib import Path

from extract.daq.block import read_block
from extract.daq.container import Content, FileFacts, open_content
from extract.daq.limits import DEFAULT_LIMITS, Limits
from extract.daq.line import Reject
from extract.daq.lines import LongLine, line_blocks
from extract.daq.name import BadNameError, RawName, parse_name
from extract.daq.reading import RawResult, Reading

BINARY_HEAD_BYTES = 65_536
MAX_BINARY_FRACTION = 0.3

_TEXT_BYTES = bytes(range(0x20, 0x7F)) + b"\t\n\r\v\f"


def parse_dat(
    path: Path, expected_station: int | None = None, *, limits: Limits = DEFAULT_LIMITS, use_bulk: bool = True
) -> RawResult:
    """Read a detector text file, plain or compressed.

    Parameters
    ----------
    expected_station
        The station the file must belong to by its name; None to accept any.
    use_bulk
        False reads every line by the careful path; the result is the same.

    Raises
    ------
    OSError
        When the operating system cannot read the file; never because of what is in it.
    """
    try:
        name = parse_name(path.name)
    except BadNameError as error:
        return RawResult("bad_name", None, str(error))
    if name.kind == "hld":
        return RawResult("bad_name", name, f"{name.file_name} is not a text file")
    if expected_station is not None and name.station_id != expected_station:
        return RawResult("wrong_station", name, f"{name.file_name} is of station {name.station_id}")
    return parse_content(open_content(path, name, limits), use_bulk=use_bulk)


def parse_content(content: Content, *, use_bulk: bool = True) -> RawResult:
    """Read the text of a landing file that was opened."""
    if content.status:
        return RawResult(content.status, content.name, content.detail, content.facts)
    if content.kind != "dat":
        return RawResult("bad_container", content.name, "the archive holds an HLD file", content.facts)
    status = refuse_content(content.head(BINARY_HEAD_BYTES))
    if status:
        return RawResult(status, content.name, facts=content.facts)
    return parse_segments(content.segments(), content.name, content.facts, limits=content.limits, use_bulk=use_bulk)


def parse_bytes(content: bytes, name: RawName, *, limits: Limits = DEFAULT_LIMITS, use_bulk: bool = True) -> RawResult:
    """Read detector text already in memory; the file-level facts are left out."""
    status = refuse_content(content[:BINARY_HEAD_BYTES])
    if status:
        return RawResult(status, name)
    return parse_segments([content], name, limits=limits, use_bulk=use_bulk)


def refuse_content(head: bytes) -> str | None:
    """``empty_file`` or ``binary_file`` by the first bytes of a content, None for text."""
    if not head:
        return "empty_file"
    n_binary = len(head.translate(None, _TEXT_BYTES))
    return "binary_file" if n_binary > MAX_BINARY_FRACTION * len(head) else None


def parse_segments(
    segments: Iterable[bytes],
    name: RawName,
    facts: FileFacts | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    use_bulk: bool = True,
) -> RawResult:
    """Read text that comes in segments of any size; line breaks need not fall on their borders."""
    reading = Reading(name, limits)
    for block in line_blocks(segments, limits.max_line_bytes):
        if isinstance(block, LongLine):
            detail = f"{block.n_bytes} bytes"
            reading.reject_line(Reject(block.head, "over_long_line", detail, block.n_bytes, block.n_tokens))
        else:
            reading.add(read_block(block, reading.n_lines + 1, limits.max_line_bytes, use_bulk))
    return reading.finish(facts)
