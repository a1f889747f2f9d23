"""Sidecars: what is known about a landing file besides its bytes, in ``<name>.meta.json`` beside it."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from warehouse.files import json_bytes, swapping
from warehouse.paths import PROJECT_ROOT

SUFFIX = ".meta.json"
PART_SUFFIX = ".part"


@dataclass(frozen=True)
class Sidecar:
    """Origin of a landing file. Times are naive UTC; no key, token or password ever enters it."""

    source: str
    host: str
    remote_path: str
    size: int
    file_sha256: str
    fetched_at: datetime
    remote_modified_at: datetime | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    http_status: int | None = None


def sidecar_path(path: Path) -> Path:
    """Where the sidecar of a landing file lies."""
    return path.with_name(path.name + SUFFIX)


def is_landing_name(name: str) -> bool:
    """Whether a name in a landing folder is a finished file, not a sidecar, an unfinished or a hidden one."""
    return not (name.endswith((SUFFIX, PART_SUFFIX)) or name.startswith("."))


def write_sidecar(path: Path, sidecar: Sidecar) -> None:
    """Write the sidecar of the file ``path`` (which need not exist yet) atomically; the caller syncs the folder."""
    content = json_bytes(
        {
            "source": sidecar.source,
            "host": sidecar.host,
            "remote_path": sidecar.remote_path,
            "remote_modified_at": to_iso(sidecar.remote_modified_at),
            "request": dict(sidecar.request),
            "http_status": sidecar.http_status,
            "size": sidecar.size,
            "file_sha256": sidecar.file_sha256,
            "fetched_at": to_iso(sidecar.fetched_at),
            "software_version": software_version(),
        }
    )
    with swapping(sidecar_path(path)) as temporary:
        temporary.write_bytes(content)


def read_sidecar(path: Path) -> Sidecar | None:
    """The sidecar of a landing file; None where it is lost or unreadable."""
    try:
        content = json.loads(sidecar_path(path).read_bytes())
        request = content.get("request")
        fetched_at = from_iso(content["fetched_at"])
        if fetched_at is None:
            return None
        return Sidecar(
            source=str(content.get("source") or ""),
            host=str(content.get("host") or ""),
            remote_path=str(content.get("remote_path") or ""),
            size=int(content["size"]),
            file_sha256=str(content["file_sha256"]),
            fetched_at=fetched_at,
            remote_modified_at=from_iso(content.get("remote_modified_at")),
            request=request if isinstance(request, dict) else {},
            http_status=content.get("http_status"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def to_iso(moment: datetime | None) -> str | None:
    """ISO 8601 text of a naive UTC time, with its zone, to the second."""
    return None if moment is None else moment.replace(microsecond=0).isoformat() + "Z"


def from_iso(text: str | None) -> datetime | None:
    """Naive UTC time of an ISO 8601 text; a text without a zone is UTC."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def modification_time(path: Path) -> datetime:
    """Modification time of a file, naive UTC, to the second."""
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC).replace(tzinfo=None)


def now_utc() -> datetime:
    """The present time, naive UTC, to the second."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@cache
def software_version() -> str:
    """Version of this project, from its declaration at the project's root."""
    return str(tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["version"])
