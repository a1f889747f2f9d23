"""What is where, by station: read from the folders and the published file alone, so it answers at any time."""

from pathlib import Path
from typing import Any

import duckdb

from extract.transfer.stations import read_stations
from warehouse.lake import SCHEMA_FILE
from warehouse.paths import Paths
from warehouse.publish import published_word

PUBLISHED = """
select
    s.station_code,
    (select count(*) from fct_file as f where f.station_id = s.station_id) as published,
    (select max(f.start_time) from fct_file as f where f.station_id = s.station_id) as newest_file,
    max(c.bin_start) as newest_hour,
    arg_max(c.rate_final_hz, c.bin_start) as rate_final_hz
from dim_station as s
left join large_corrected_table as c on c.station_id = s.station_id and c.bin_width_s = 3600 and c.is_usable
group by s.station_id, s.station_code
"""


def read_status(paths: Paths) -> dict[str, Any]:
    """Counts of files by station and stage, the newest file and hour, and when the published file was made."""
    published = _published(paths.serving)
    stations = []
    for number, station in sorted(read_stations().items()):
        landed = [p for p in (paths.landing / "dat" / f"station={number}").glob("*/*") if _is_data(p)]
        in_lake = (paths.lake / "raw_file" / f"station={number}").glob("*/*.parquet")
        extracted = sum(path.name != SCHEMA_FILE for path in in_lake)
        facts = published.get(station.station_code, {})
        if landed or extracted or facts.get("published"):
            empty = {"published": 0, "newest_file": None, "newest_hour": None, "rate_final_hz": None}
            stations.append(
                {
                    "station_code": station.station_code,
                    "landed": len(landed),
                    "extracted": extracted,
                    **(facts or empty),
                }
            )
    return {"stations": stations, "published_at": published_word(paths.serving, "published_at")}


def _is_data(path: Path) -> bool:
    return not path.name.endswith((".meta.json", ".part")) and not path.name.startswith(".")


def _published(serving: Path) -> dict[str, dict[str, Any]]:
    if not serving.exists():
        return {}
    try:
        with duckdb.connect(str(serving), read_only=True) as connection:
            answer = connection.execute(PUBLISHED)
            names = [column[0] for column in answer.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    except duckdb.Error:
        return {}
    return {row.pop("station_code"): row for row in rows}
