"""The logbook of a station: two header rows and one open configuration that covers the simulated span."""

import csv
import io
from datetime import timedelta
from pathlib import Path

from simulate.config import NetworkConfig, StationConfig
from simulate.landing import land

GROUP_ROW = ["Station", "", "Dates", "", "Lead [mm]", "", "", "", "Plane z [mm]", "", "", "", "Trigger", "", "", ""]
GROUP_ROW += ["Orientation", "Site", "Notes"]
NAME_ROW = ["station", "conf", "start", "end", "over_P1", "P1-P2", "P2-P3", "P3-P4", "P1", "P2", "P3", "P4"]
NAME_ROW += ["C1", "C2", "C3", "C4", "phi_north", "city", "comment"]
OPEN_BEFORE_DAYS = 10


def logbook_text(config: NetworkConfig, station: StationConfig) -> str:
    """The sheet as exported: comma-separated, decimal comma in quotes."""
    begin = (config.start - timedelta(days=OPEN_BEFORE_DAYS)).date().isoformat()
    triggers = [*station.triggers[:4], *[""] * (4 - len(station.triggers))]
    phi = f"{station.phi_north_deg:g}".replace(".", ",")
    heights = [f"{z:g}" for z in station.z_mm]
    row = [station.station_id, station.conf_number, begin, "", 0, 0, 0, 0, *heights, *triggers, phi, station.city]
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(GROUP_ROW)
    writer.writerow(NAME_ROW)
    writer.writerow([*row, "simulated"])
    return sheet.getvalue()


def write_logbook(config: NetworkConfig, station: StationConfig, landing: Path) -> Path:
    """Write ``landing/logbook/station=<n>/<stamp>.csv``, stamped one hour before the span begins."""
    fetched = config.start - timedelta(hours=1)
    path = landing / "logbook" / f"station={station.station_id}" / f"{fetched:%Y%m%dT%H%M%SZ}.csv"
    land(
        path,
        logbook_text(config, station).encode(),
        source="logbook",
        host="simulated",
        remote_path=None,
        modified_at=None,
        fetched_at=fetched,
        http_status=200,
    )
    return path
