"""What a source file is: told from its name, else from its first bytes."""

import csv
import gzip
import io
import re
import tarfile
import zlib
from pathlib import Path

from extract.daq.name import BadNameError, parse_name
from extract.era5.container import tell_format
from extract.lab.name import parse_log_name

KINDS = ("dat", "hld", "logbook", "lab_log", "era5", "nmdb")
LOGBOOK_COLUMNS = frozenset({"station", "conf", "start", "end", "P1", "P2", "P3", "P4"})

_HEAD_BYTES = 1 << 16
_GZIP = b"\x1f\x8b"
_DETECTOR_ENDING = re.compile(r"\.(dat|hld)(\.gz|[.-]tar[.-]gz)?(~[0-9]+)?$", re.IGNORECASE)
_NMDB = re.compile(
    r"^\s*start_date_time\b|^#\s+STATION:|^#\s*NMDB|^#.*\bNMDB TABLE:|^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8};",
    re.MULTILINE,
)


def tell_kind(path: Path) -> str | None:
    """One of `KINDS`, or None where neither name nor content says it.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    if parse_log_name(path.name) is not None:
        return "lab_log"
    try:
        kind = parse_name(path.name).kind
    except BadNameError:
        match = _DETECTOR_ENDING.search(path.name)
        return match[1].lower() if match else _tell_by_content(path)
    return kind or tell_archive_kind(path)


def tell_archive_kind(path: Path) -> str | None:
    """`dat` or `hld` by the name of the only file in a tar archive; None where there is none or it cannot be read."""
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile():
                    return parse_name(member.name).kind
    except (tarfile.TarError, BadNameError, EOFError, zlib.error, gzip.BadGzipFile):
        return None
    return None


def logbook_rows(content: bytes) -> tuple[list[str], list[list[str]]]:
    """Column names (second row, trimmed) and the rows below of a logbook; no names where it is not one."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline="")))
    except csv.Error:
        return [], []
    if len(rows) < 2:
        return [], []
    return [name.strip() for name in rows[1]], rows[2:]


def _tell_by_content(path: Path) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if tell_format(head[:4]) is not None:
        return "era5"
    if head.startswith(_GZIP):
        try:
            with gzip.open(path) as packed:
                head = packed.read(_HEAD_BYTES)
        except (OSError, EOFError, zlib.error):
            return None
    if _NMDB.search(head.decode("utf-8", errors="replace")):
        return "nmdb"
    return "logbook" if set(logbook_rows(head)[0]) >= LOGBOOK_COLUMNS else None
