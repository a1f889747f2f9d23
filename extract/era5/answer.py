"""A downloaded ERA5 answer: into landing when it holds data of the station, else into the reject folder."""

import logging
from datetime import datetime
from pathlib import Path

from extract.era5.client import Delivery
from extract.era5.container import N_DETAIL_CHARACTERS, tell_format
from extract.era5.read import read_era5
from extract.era5.request import Request
from extract.era5.schema import FOLDER, SOURCE
from extract.transfer.clock import Clock
from extract.transfer.fetched import Fetched
from extract.transfer.place import REJECT_FOLDER, settle
from extract.transfer.sidecar import PART_SUFFIX, Sidecar
from warehouse.files import sha256_of_file

logger = logging.getLogger(__name__)

ENDINGS = {"netcdf4": "nc", "classic": "nc", "zip": "zip", "grib": "grib"}
HEAD_BYTES = 4
HTTP_OK = 200


def part_path(landing: Path, request: Request) -> Path:
    """Where an answer is written while it comes in."""
    return product_folder(landing, request) / (request.name + PART_SUFFIX)


def product_folder(landing: Path, request: Request) -> Path:
    """Landing folder of a request's answers."""
    return landing / FOLDER / f"station={request.station_id}" / request.product


def land_answer(landing: Path, request: Request, delivery: Delivery, clock: Clock) -> Fetched:
    """Check the answer in ``part_path`` and give it its name and sidecar, in landing or in the reject folder."""
    part = part_path(landing, request)
    fetched_at = clock.now()
    sidecar = Sidecar(
        source=SOURCE,
        host=delivery.host,
        remote_path=delivery.address,
        size=part.stat().st_size,
        file_sha256=sha256_of_file(part),
        fetched_at=fetched_at,
        request={"dataset": request.dataset, **request.body},
        http_status=HTTP_OK,
    )
    ending = ENDINGS.get(_format(part) or "", "txt")
    name = f"{request.name}_{fetched_at:%Y%m%dT%H%M%SZ}.{ending}"
    fault = _fault(part, request, fetched_at)
    if fault is None:
        return Fetched(request.label, "fetched", path=settle(part, product_folder(landing, request), name, sidecar))
    reason, detail = fault
    path = settle(part, landing / FOLDER / REJECT_FOLDER / reason, name, sidecar)
    logger.warning("%s: the answer is not used, %s: %s", request.label, reason, detail)
    return Fetched(request.label, "rejected", f"{reason}: {detail}", path)


def _format(part: Path) -> str | None:
    with part.open("rb") as stream:
        return tell_format(stream.read(HEAD_BYTES))


def _fault(part: Path, request: Request, fetched_at: datetime) -> tuple[str, str] | None:
    """Reason and detail of an answer that is not used."""
    if _format(part) is None:
        with part.open("rb") as stream:
            text = stream.read(N_DETAIL_CHARACTERS).decode("utf-8", errors="replace")
        return "not_data", " ".join(text.split()) or "empty file"
    north, west, south, east = request.area
    outcome = read_era5(
        part,
        ((north + south) / 2, (west + east) / 2),
        product=request.product,
        fetched_at=fetched_at,
        requested_levels_hpa=request.levels_hpa,
    )
    if outcome.status == "rejected":
        reason, _, detail = (outcome.detail or "").partition(": ")
        return reason, detail
    if outcome.n_rows == 0:
        return "no_data", outcome.rejects[0].reason if outcome.rejects else "no rows"
    return None
