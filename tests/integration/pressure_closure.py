"""Hourly bins with a known barometric coefficient, written as the tables the fits read."""

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tests.integration.corrections_input import (
    EFFICIENCY,
    PATTERNS,
    TELESCOPE_HZ,
    VALUE_COLUMNS,
    AnyArrow,
    Array,
    pattern_share,
)

REFERENCE_HPA = 940.0


@dataclass
class Hours:
    """Hours of one station: pressure (hPa), live time (s), and counts by pattern, each of shape (hour,)."""

    station_id: int
    hour: npt.NDArray[np.int64]
    pressure_hpa: Array
    live_s: Array
    counts: dict[str, Array]
    first: str = "2025-01-01T00:00"
    conf_number: Array | float = 1.0
    exclusion: tuple[int, int] | None = None
    extra: dict[str, Array] = field(default_factory=dict)

    @property
    def start(self) -> npt.NDArray[np.datetime64]:
        """Start of each hour."""
        return (np.datetime64(self.first) + self.hour * np.timedelta64(1, "h")).astype("datetime64[us]")


def wave_pressure(hour: npt.NDArray[np.int64]) -> Array:
    """Pressure (hPa) of the closure data: two waves about the reference."""
    pressure: Array = REFERENCE_HPA + 6 * np.sin(2 * np.pi * hour / 127.2) + 3 * np.sin(2 * np.pi * hour / 50.4 + 1)
    return pressure


def expected_counts(rate_hz: Array, live_s: Array) -> dict[str, Array]:
    """Counts of each pattern from a rate through all planes (Hz) and live time (s)."""
    return {pattern: rate_hz * live_s * pattern_share(pattern, EFFICIENCY) for pattern in PATTERNS}


def closure(station_id: int, n_hours: int = 288, beta: float = -0.002, **changes: object) -> Hours:
    """Hours whose rate follows ``beta`` (per hPa) exactly."""
    hour = np.arange(n_hours)
    pressure = wave_pressure(hour)
    rate = TELESCOPE_HZ * np.exp(beta * (pressure - REFERENCE_HPA))
    live = np.full(n_hours, 3600.0)
    return Hours(station_id, hour, pressure, live, expected_counts(rate, live), **changes)  # type: ignore[arg-type]


def write_bins(data_dir: Path, stations: list[Hours]) -> None:
    """Create the tables of bins that the efficiencies, rates and fits read; seeds must be loaded."""
    tables = {
        "int_bin_count": [_bin_count(hours) for hours in stations],
        "int_bin_region": [_bin_region(hours) for hours in stations],
        "int_bin_environment": [_bin_environment(hours) for hours in stations],
        "large_table": [_minutes(hours) for hours in stations],
    }
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        for name, parts in tables.items():
            connection.register("part", pa.concat_tables(parts))
            connection.execute(f"create or replace table {name} as select * from part")
            connection.unregister("part")
        connection.execute(
            "create table dim_station (station_id tinyint, station_code varchar, reference_pressure_hpa double)"
        )
        for hours in stations:
            code = f"MINGO{hours.station_id:02d}"
            connection.execute("insert into dim_station values (?, ?, ?)", [hours.station_id, code, REFERENCE_HPA])
            if hours.exclusion is not None:
                first, last = (hours.start[0] + np.timedelta64(h, "h") for h in hours.exclusion)
                connection.execute(
                    "insert into fit_exclusion values (?, ?, ?, 'detector', 'test', 'test')",
                    [hours.station_id, first.astype(object), last.astype(object)],
                )


def _keys(hours: Hours) -> dict[str, AnyArrow]:
    size = hours.hour.size
    return {
        "station_id": pa.array(np.full(size, hours.station_id, dtype=np.int8)),
        "bin_start": pa.array(hours.start),
        "bin_width_s": pa.array(np.full(size, 3600, dtype=np.int32)),
    }


def _conf_number(hours: Hours) -> AnyArrow:
    return pa.array(np.broadcast_to(np.asarray(hours.conf_number, dtype=np.float64), hours.hour.shape))


def _bin_count(hours: Hours) -> pa.Table:
    size = hours.hour.size
    coverage = hours.live_s / 3600
    return pa.table(
        _keys(hours)
        | {
            "conf_number": _conf_number(hours),
            "is_configuration_fallback": pa.array(np.zeros(size, dtype=bool)),
            "is_z_default": pa.array(np.zeros(size, dtype=bool)),
            "n_minutes": pa.array(np.full(size, 60)),
            "live_s": pa.array(hours.live_s),
            "coverage": pa.array(coverage),
            "is_usable": pa.array(coverage >= 0.5),
            "n_events": pa.array(np.rint(sum(hours.counts.values())).astype(np.int64)),
        }
        | {f"n_{pattern}": pa.array(count) for pattern, count in hours.counts.items()}
        | {f"n_fid_{k}": pa.nulls(size, pa.float64()) for k in ("1_1234", "1_234", "4_1234", "4_123")}
    )


def _bin_region(hours: Hours) -> pa.Table:
    telescope = hours.counts["1234"] + hours.counts["124"] + hours.counts["134"]
    return pa.table(_keys(hours) | {"region_code": pa.array(["R0.0"] * hours.hour.size), "n_tel": pa.array(telescope)})


def _bin_environment(hours: Hours) -> pa.Table:
    size = hours.hour.size
    values = {"pressure_lab_hpa": hours.pressure_hpa, "hv_neg_kv": np.full(size, 5.5), **hours.extra}
    missing = np.isnan(values["pressure_lab_hpa"])
    row = _keys(hours)
    for name in VALUE_COLUMNS:
        row[name] = pa.array(values[name], from_pandas=True) if name in values else pa.nulls(size, pa.float64())
    for name in ("pressure", "temp", "rh"):
        row[f"{name}_lab_source"] = pa.nulls(size, pa.string())
    row["is_era5_preliminary"] = pa.array(np.zeros(size, dtype=bool))
    row["pressure_source"] = pa.array([None if absent else "ext" for absent in missing], pa.string())
    return pa.table(row)


def _minutes(hours: Hours) -> pa.Table:
    """First and last minute of every hour: all that the ranges of the configurations need."""
    start = np.concatenate([hours.start, hours.start + np.timedelta64(59, "m")])
    conf = np.broadcast_to(np.asarray(hours.conf_number, dtype=np.float64), hours.hour.shape)
    return pa.table(
        {
            "station_id": pa.array(np.full(start.size, hours.station_id, dtype=np.int8)),
            "minute_start": pa.array(start),
            "live_s": pa.array(np.full(start.size, 60.0)),
            "conf_number": pa.array(np.concatenate([conf, conf])),
        }
    )
