"""Inputs of the environment models: the golden logs and answers, and one case for each rule."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from extract.era5.schema import ERA5_LEVEL, ERA5_SINGLE
from extract.transfer.sidecar import Sidecar, write_sidecar
from warehouse.dataset import Dataset
from warehouse.files import sha256_of_file
from warehouse.lake import write_table
from warehouse.paths import Paths

PROFILE_LEVELS_HPA = (
    *(1, 2, 3, 5, 7, 10, 20, 30, 50, 70),
    *range(100, 250, 25),
    *range(250, 750, 50),
    *range(750, 1001, 25),
)
FETCHED_AT = datetime(2025, 2, 9, 3)

GOLDEN_LOGS = {
    "sensors_bus0_2025-02-07.log": """\
2025-02-07T10:00:03; nan nan nan nan 20.8 41.2 938.4
2025-02-07T10:15:03; nan nan nan nan 20.9 41.0 938.1
2025-02-07T10:15:03; nan nan nan nan 20.9 41.0 938.1
2025-02-07T10:30:03; nan nan nan nan 20.9 nan 937.8
2025-02-07T10:45:04; nan nan nan nan 21.0 40.7
2025-02-07T11:00:03; nan nan nan 21.1 40.6 937.5
2025-02-07T11:15:03; nan nan nan nan 21.1 40.6 9375
2025-02-07T11:30:03; nan nan 21.2
""",
    "sensors_bus1_2025-02-07.log": """\
2025-02-07T11:15:02; nan nan nan nan 34.2 18.0 936.9
2025-02-07T11:30:02; nan nan nan nan 34.3 17.9 936.6
""",
    "hv0_2025-02-07.log": """\
2025-02-07T10:00:04 7C 21 0A 5F D3 11 0.112 0.097 5.498 5.501 0.000 1.284 5.500 1.002 5.500 1.000 1 1 0 0 1 1 1
2025-02-07T10:15:04 7C 21 0A 5F D3 11 0.113 0.098 5.498 5.501 0.000 1.284 5.500 1.002 5.500 1.000 1 1 0 0
2025-02-07T10:30:04 7C 21 0A 5F D3 11 0.113 0.098 5.498
""",
    "rates_2025-02-07.log": """\
2025-02-07T10:00:51; 12.4 10.1 9.8 64.0 81.5 90.2 104.6 5.9 3.3 3.1 5.4\x20
2025-02-07T10:05:51; 12.2 10.0 9.7 63.8 81.9 89.7 104.9 5.8 3.4 3.0
2025-02-07T10:10:51; 12.2 10.0 9.7 63.8 81.9 89.7 104.9 5.8 3.4 3.0 5.3 7
""",
    "Flow0_2025-02-07.log": "2025-02-07 10:00:05 771 786 812 743\n",
    "Odroid_2025-02-07.log": """\
2025-02-07T10:00:06; 44 61 18250
2025-02-07T12:00:06 44 61 18250
""",
    "weight_2025-02-07.log": "2025-02-07 09:41:12 8.350\n",
}
OLD_HV = """\
2023-05-02T10:30:03; 7C:21:0A:5F:D3:11 0.081 0.077 5.501 5.502 0.000 1.290 5.500 1.004 5.500 1.000 1 1 0 0 1 1
"""

NMDB_GOLDEN = """\
#        STATION: MXCO
#     START TIME: 2025-02-07 10:00:00 UTC
#       END TIME: 2025-02-07 10:30:00 UTC
#     NMDB TABLE: revised original
#      DATA TYPE: corr_for_efficiency(RCORR_E)
#      AVERAGING: Yes / 10 min
#
                       MXCO    CALM    LMKS    OULU    SOPO
2025-02-07 10:00:00;218.114; 69.907;1402.350;   null;271.008
2025-02-07 10:10:00;217.960; 70.021;1401.988; 99.102;   null
2025-02-07 10:20:00;218.301;   null;1402.611; 99.340;270.815
"""


def land_log(landing: Path, station_id: int, name: str, text: str, folder: str = "done", **known: Any) -> None:
    """Put a log with its sidecar into landing."""
    land(landing / "lab_log" / f"station={station_id}" / folder / "2025-02" / name, text, "lab_log", **known)


def land_nmdb(landing: Path, day: date, text: str, fetched_at: datetime) -> None:
    """Put an answer of NMDB with its sidecar into landing."""
    name = f"corr_for_efficiency_{day:%Y%m%d}_{day:%Y%m%d}_{fetched_at:%Y%m%dT%H%M%SZ}.txt"
    request = {"stations[]": ["MXCO", "CALM", "LMKS", "OULU", "SOPO"], "tresolution": "10", "tabchoice": "revori"}
    moved = text.replace("2025-02-07", day.isoformat())
    land(landing / "nmdb" / "rate" / name, moved, "nmdb_nest", fetched_at=fetched_at, request=request)


def land(
    path: Path,
    text: str,
    source: str,
    fetched_at: datetime = FETCHED_AT,
    request: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Put a text with its sidecar into landing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    sidecar = Sidecar(source, "", path.name, path.stat().st_size, sha256_of_file(path), fetched_at, request=request)
    write_sidecar(path, sidecar)


def put_rows(lake: Path, dataset: Dataset, name: str, rows: list[dict[str, Any]], **common: Any) -> None:
    """Write rows straight into the lake; what they do not say is filled with something harmless."""
    defaults: dict[str, Any] = {
        "source": "era5_cds",
        "source_file": name,
        "file_sha256": name.ljust(64, "0"),
        "fetched_at": FETCHED_AT,
        "is_fetched_at_guessed": False,
        "parser_version": 1,
        "expver": 1,
        "is_final": True,
        "finality_basis": "expver",
        "n_points": 9,
        "n_points_valid": 9,
        "lat_min_deg": 40.2,
        "lat_max_deg": 40.7,
        "lon_min_deg": -4.0,
        "lon_max_deg": -3.5,
    }
    full = [{c.name: {**defaults, **common, **row}.get(c.name) for c in dataset.columns} for row in rows]
    table = pa.Table.from_pylist(full, schema=dataset.schema)
    write_table(lake, dataset, table, station_id=1, day=date(2025, 2, 7), name=f"{name}.parquet", provenance={})


def land_everything(paths: Paths) -> None:
    """All inputs of this module: every rule has a station or a day of its own, so that none disturbs another."""
    for name, text in GOLDEN_LOGS.items():
        land_log(paths.landing, 1, name, text)
    land_log(paths.landing, 3, "hv0_2023-05-02.log", OLD_HV)
    # one minute with an absurd reading; neighbours 45 and 46 minutes apart
    pressures = {"08:00:03": 941.2, "08:00:33": 9999, "09:00:03": 940, "09:45:03": 944.5, "10:31:03": 940}
    rows = [f"2025-02-08T{time}; nan nan nan nan 20 40 {value}\n" for time, value in pressures.items()]
    land_log(paths.landing, 2, "sensors_bus0_2025-02-08.log", "".join(rows))
    # a growing file, fetched twice; a file in the top folder and, with one value changed, in `done`
    rows = [f"2025-02-08 {hour:02}:00:05 771 786 812 743\n" for hour in range(5)]
    land_log(paths.landing, 2, "Flow0_2025-02-08.log", "".join(rows[:3]), "top", fetched_at=datetime(2025, 2, 8, 3))
    land_log(paths.landing, 2, "Flow0_2025-02-08.log~2", "".join(rows), "top")
    rows = [f"2025-02-08T{hour:02}:00:06; 44 61 18250\n" for hour in range(5)]
    land_log(paths.landing, 2, "Odroid_2025-02-08.log", "".join(rows), "top")
    changed = [rows[0], rows[1].replace("44 61", "45 61"), *rows[2:4]]
    land_log(paths.landing, 2, "Odroid_2025-02-08.log", "".join(changed), "done")

    revised = NMDB_GOLDEN.replace("70.021", "70.500").replace("218.114", "   null")
    silent = NMDB_GOLDEN.replace(" 99.102", "   null").replace(" 99.340", "   null")
    land_nmdb(paths.landing, date(2025, 2, 7), NMDB_GOLDEN, datetime(2025, 2, 8, 2))
    land_nmdb(paths.landing, date(2025, 2, 3), NMDB_GOLDEN, datetime(2025, 2, 3, 10, 25))
    for day, second in ((date(2025, 2, 4), revised), (date(2025, 2, 5), silent)):
        land_nmdb(paths.landing, day, NMDB_GOLDEN, datetime(2025, 2, 8, 2))
        land_nmdb(paths.landing, day, second, datetime(2025, 2, 9, 2))
    hour = "".join(f"2025-02-06 {11 + i // 6}:{i % 6}0:00;{100 + i}.0\n" for i in range(6 + 5 + 6))
    hour = hour.replace("13:10:00;113.0", "13:10:00;null").replace("13:20:00;114.0", "13:20:00;null")
    header = "#        STATION: OULU\n#      DATA TYPE: corr_for_efficiency(RCORR_E)\n  start_date_time   RCORR_E\n"
    land_nmdb(paths.landing, date(2025, 2, 6), header + hour, datetime(2025, 2, 8, 2))

    put_era5(paths.lake)


def put_era5(lake: Path) -> None:
    """Surface from 08 to 12 h, other versions of it at 09 and 10 h; 100 hPa from 08 to 11 h; a straight profile."""
    start = datetime(2025, 2, 7, 8)
    single = [
        {"station_id": 1, "valid_time": start + timedelta(hours=h), "temp_ground_k": 280.0 + h, "product": "single"}
        for h in range(5)
    ]
    put_rows(lake, ERA5_SINGLE, "single_final", single, is_final=True)
    colder = [{**row, "temp_ground_k": 200.0} for row in single]
    put_rows(lake, ERA5_SINGLE, "single_later", colder[1:2], is_final=False, expver=5, fetched_at=datetime(2025, 3, 1))
    warmer = [{**single[2], "temp_ground_k": 290.0}]
    put_rows(lake, ERA5_SINGLE, "single_newer", warmer, fetched_at=datetime(2025, 3, 1))
    level = [
        {"station_id": 1, "valid_time": row["valid_time"], "pressure_level_hpa": 100.0, "temp_k": 215.0,
         "height_m": 16213.488, "product": "pl100"}
        for row in single[:4]
    ]  # fmt: skip
    put_rows(lake, ERA5_LEVEL, "pl100_final", level[:2])
    put_rows(lake, ERA5_LEVEL, "pl100_preliminary", level[2:], is_final=False, expver=5)
    profile_time = datetime(2025, 2, 6)
    for station_id in (1, 3):
        profile = [
            {"station_id": station_id, "valid_time": profile_time, "pressure_level_hpa": p, "temp_k": 210 + 0.08 * p,
             "product": "profile"}
            for p in PROFILE_LEVELS_HPA
        ]  # fmt: skip
        put_rows(lake, ERA5_LEVEL, f"profile_{station_id}", profile)
    ground = {"station_id": 1, "valid_time": profile_time, "temp_ground_k": 210 + 0.08 * 940, "product": "single"}
    put_rows(lake, ERA5_SINGLE, "single_of_profile", [ground])
