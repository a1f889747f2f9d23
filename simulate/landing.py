"""Writing files the way acquisition leaves them: the file, its modification time and its sidecar.

Nothing here asks a clock: the time of fetching follows from the data, so that a seed gives the same bytes every time.
There is no fsync: simulated files can be made again.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulate.config import Container

SOFTWARE_VERSION = "simulate 1"
SUFFIX: dict[Container, str] = {"plain": "", "gz": ".gz", "tar_gz": ".tar.gz"}


def iso(moment: datetime) -> str:
    """``2025-03-03T00:10:00Z`` of a UTC time without zone."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(unix_s: float) -> datetime:
    """UTC time without zone of Unix seconds."""
    return datetime.fromtimestamp(unix_s, tz=UTC).replace(tzinfo=None)


def pack(content: bytes, member: str, container: Container, modified_at: datetime) -> bytes:
    """The content as it is, gzipped, or as the single member of a gzipped tar archive; the same bytes every time."""
    if container == "plain":
        return content
    if container == "tar_gz":
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            info = tarfile.TarInfo(member)
            info.size = len(content)
            info.mtime = int(modified_at.replace(tzinfo=UTC).timestamp())
            tar.addfile(info, io.BytesIO(content))
        content = archive.getvalue()
    return gzip.compress(content, compresslevel=1, mtime=0)


def land(
    path: Path,
    content: bytes,
    *,
    source: str,
    host: str,
    remote_path: str | None,
    modified_at: datetime | None,
    fetched_at: datetime,
    request: dict[str, Any] | None = None,
    http_status: int | None = None,
) -> None:
    """Write a landing file and its sidecar; the file appears complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sidecar = {
        "source": source,
        "host": host,
        "remote_path": remote_path,
        "remote_modified_at": None if modified_at is None else iso(modified_at),
        "request": request,
        "http_status": http_status,
        "size": len(content),
        "file_sha256": hashlib.sha256(content).hexdigest(),
        "fetched_at": iso(fetched_at),
        "software_version": SOFTWARE_VERSION,
    }
    path.with_name(path.name + ".meta.json").write_text(json.dumps(sidecar, indent=2) + "\n")
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    stamp = (modified_at or fetched_at).replace(tzinfo=UTC).timestamp()
    os.utime(part, (stamp, stamp))
    part.replace(path)
