"""Hourly bins with a known barometric coefficient, written as the tables the fits read."""

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simulate import hourly_tables
from tests.integration.corrections_input import (
    EFFICIENCY,
    PATTERNS,
    TELESCOPE_HZ,
    Array,
    pattern_share,
    write_no_monitors,
)

REFERENCE_HPA = 940.0
FITTED_MODELS = (
    "int_station_reference+",
    "int_bin_ratio+",
    "int_bin_group+",
    "int_configuration_range+",
    "fct_primary+",
    "int_pressure_monitor_row+",
)
# models that also need what is not written here
LEFT_OUT = ("fct_accidental", "grafana_accidental", "grafana_coverage", "int_correction_done")


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
    build = data_dir / "build.duckdb"
    write_no_monitors(data_dir)
    hourly_tables.write_hours(build, [_as_written(hours) for hours in stations])
    with duckdb.connect(str(build)) as connection:
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


def write_monitor(
    data_dir: Path, code: str, start: npt.NDArray[np.datetime64], resolution_s: int, **series: Array
) -> None:
    """Add intervals of a neutron monitor: ``uncorrected`` (Hz) and ``pressure_mbar`` (hPa), NaN where null."""
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        for dtype, values in series.items():
            part = pa.table(
                {"interval_start": pa.array(start.astype("datetime64[us]")), "v": pa.array(values, from_pandas=True)}
            )
            connection.register("part", part)
            column = "pressure_hpa" if dtype == "pressure_mbar" else "rate_hz"
            connection.execute(
                f"insert into stg_nmdb by name select ? as nm_code, interval_start, ? as resolution_s, ? as dtype,"
                f" 'revori' as nm_table, v as {column}, timestamp '2026-01-01' as fetched_at from part",
                [code, resolution_s, dtype],
            )
            connection.unregister("part")


def _as_written(hours: Hours) -> hourly_tables.Hours:
    return hourly_tables.Hours(
        station_id=hours.station_id,
        start=hours.start,
        live_s=hours.live_s,
        counts=hours.counts,
        environment={"pressure_lab_hpa": hours.pressure_hpa, "hv_neg_kv": np.full(hours.hour.size, 5.5)} | hours.extra,
        conf_number=hours.conf_number,
        n_minutes=np.full(hours.hour.size, 60),
    )
