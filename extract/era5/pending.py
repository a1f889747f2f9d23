"""Requests the service still works on: notes that let the next run ask for the same answer. Deleting them is safe."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from extract.era5.request import Request
from extract.transfer.sidecar import from_iso, to_iso
from warehouse.files import write_json

logger = logging.getLogger(__name__)

MAX_AGE = timedelta(days=7)


@dataclass(frozen=True)
class Pending:
    """A request, the service's name for it, and when it was sent (naive UTC)."""

    request: Request
    request_id: str
    submitted_at: datetime


def note_path(landing: Path, request: Request) -> Path:
    """Where the note of a request lies."""
    return landing / "era5" / f"station={request.station_id}" / "pending" / f"{request.name}.json"


def write_note(landing: Path, pending: Pending) -> None:
    """Remember a request until its answer has landed."""
    request = pending.request
    write_json(
        note_path(landing, request),
        {
            "request_id": pending.request_id,
            "submitted_at": to_iso(pending.submitted_at),
            "station_id": request.station_id,
            "product": request.product,
            "request": request.body,
        },
    )


def drop_note(landing: Path, request: Request) -> None:
    """Forget a request."""
    note_path(landing, request).unlink(missing_ok=True)


def read_notes(landing: Path, now: datetime) -> list[Pending]:
    """The requests under way; notes that are too old or cannot be read are removed."""
    found = []
    for path in sorted((landing / "era5").glob("station=*/pending/*.json")):
        pending = _read(path)
        if pending is None or now - pending.submitted_at > MAX_AGE or path != note_path(landing, pending.request):
            logger.info("%s: dropped, too old or not readable", path.relative_to(landing))
            path.unlink(missing_ok=True)
        else:
            found.append(pending)
    return found


def _read(path: Path) -> Pending | None:
    try:
        content = json.loads(path.read_bytes())
        submitted_at = from_iso(content["submitted_at"])
        request = Request.from_body(int(content["station_id"]), str(content["product"]), content["request"])
        return None if submitted_at is None else Pending(request, str(content["request_id"]), submitted_at)
    except (OSError, ValueError, KeyError, TypeError):
        return None
