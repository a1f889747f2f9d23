"""Inputs of the corrections for tests: the minute tables of other rooms, written straight into a scratch build file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simulate.hourly_tables import ENVIRONMENT_COLUMNS as VALUE_COLUMNS
from simulate.hourly_tables import PATTERNS as PATTERNS
from simulate.hourly_tables import REGIONS as REGIONS
from warehouse import dbt
from warehouse.paths import Paths

Array = npt.NDArray[np.float64]
AnyArrow: TypeAlias = "pa.Array[Any]"

EFFICIENCY = (0.92, 0.88, 0.95, 0.85)
TELESCOPE_HZ = 15.0
AIR_COLUMNS = ("temp_ext_degc", "rh_ext_pct", "pressure_ext_hpa", "temp_int_degc", "rh_int_pct", "pressure_int_hpa")
WORD_COLUMNS = (
    *("pressure_lab_source", "temp_lab_source", "rh_lab_source"),
    *(f"{name}_fill" for name in AIR_COLUMNS),
    *("hv_fill", "flow_fill", "rates_fill", "computer_fill", "era5_fill", "era5_profile_fill"),
)


def pattern_share(pattern: str, efficiency: tuple[float, ...] = EFFICIENCY) -> float:
    """Chance that a track through all four planes fires exactly the planes of ``pattern``."""
    return float(np.prod([e if str(k + 1) in pattern else 1 - e for k, e in enumerate(efficiency)]))


@dataclass
class Minutes:
    """Minutes of one station. Counts have the shape (minute,), by (pattern, region)."""

    station_id: int
    start: npt.NDArray[np.datetime64]
    live_s: Array
    counts: dict[tuple[str, str], Array]
    values: dict[str, Array]
    words: dict[str, str | None]
    fiducial: dict[tuple[int, str], Array] | None = None
    conf_number: float | Array = 1.0


def write_inputs(data_dir: Path, stations: list[Minutes], reference_pressure_hpa: float | None = 940.0) -> None:
    """Create the five input tables in ``data_dir``/build.duckdb."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        for name, parts in (
            ("fct_minute_count", [part for station in stations for part in _counts(station)]),
            ("fct_minute_live", [_live(station) for station in stations]),
            ("fct_environment_minute", [_environment(station) for station in stations]),
        ):
            connection.register("part", pa.concat_tables(parts))
            connection.execute(f"create or replace table {name} as select * from part")
            connection.unregister("part")
        connection.execute(
            "create or replace table dim_station"
            " (station_id tinyint, station_code varchar, reference_pressure_hpa double, altitude_m double)"
        )
        for station in stations:
            code = f"MINGO{station.station_id:02d}"
            connection.execute(
                "insert into dim_station values (?, ?, ?, 650)", [station.station_id, code, reference_pressure_hpa]
            )
        connection.execute(
            "create or replace table dim_file as"
            " select 'f' || station_id || '-' || date_trunc('day', minute_start) as file_id,"
            " station_id, conf_number, min(minute_start) as start_time,"
            " 12 as trigger_1, 23 as trigger_2, 34 as trigger_3, 13 as trigger_4"
            " from fct_minute_live group by station_id, conf_number, date_trunc('day', minute_start)"
        )
        connection.execute(
            "create or replace table int_station_configuration as select station_id, 1.0::double as conf_number,"
            " date '2025-01-01' as valid_from, null::date as valid_to from dim_station"
        )
        connection.execute(
            "create or replace table int_day_built as select station_id, cast(start_time as date) as day, file_id,"
            " 'first' as lineage_id, false as is_superseded from dim_file"
        )
    write_no_monitors(data_dir)


def _base(station: Minutes) -> dict[str, AnyArrow]:
    return {
        "station_id": pa.array(np.full(station.start.size, station.station_id, dtype=np.int8)),
        "minute_start": pa.array(station.start.astype("datetime64[us]")),
    }


def _counts(station: Minutes) -> list[pa.Table]:
    tables = []
    fiducial = station.fiducial or {}
    for tt_kind in ("fit_tt", "list_tt"):
        for (pattern, region), count in station.counts.items():
            row = _base(station) | {
                "tt_kind": pa.array([tt_kind] * station.start.size),
                "tt": pa.array([pattern] * station.start.size),
                "region_code": pa.array([region] * station.start.size),
                "n_events": pa.array(count.astype(np.int64)),
            }
            share = count / np.maximum(sum(c for (p, _), c in station.counts.items() if p == pattern), 1)
            for plane in (1, 2, 3, 4):
                total = fiducial.get((plane, pattern))
                part = None if total is None else np.round(total * share).astype(np.int64)
                row[f"n_fid_{plane}"] = pa.array(part) if part is not None else pa.nulls(station.start.size, pa.int64())
            tables.append(pa.table(row).filter(pa.array((count > 0) | (region == "none"))))
    return tables


def _live(station: Minutes) -> pa.Table:
    size = station.start.size
    return pa.table(
        _base(station)
        | {
            "live_s": pa.array(station.live_s.astype(np.int32)),
            "n_files": pa.array(np.ones(size, dtype=np.int32)),
            "conf_number": pa.array(np.broadcast_to(np.asarray(station.conf_number, dtype=np.float64), (size,))),
            "is_configuration_fallback": pa.array(np.zeros(size, dtype=bool)),
            "is_z_default": pa.array(np.zeros(size, dtype=bool)),
        }
    )


def _environment(station: Minutes) -> pa.Table:
    size = station.start.size
    row = _base(station)
    for name in VALUE_COLUMNS:
        value = station.values.get(name)
        row[name] = pa.nulls(size, pa.float64()) if value is None else pa.array(value, from_pandas=True)
    for name in WORD_COLUMNS:
        row[name] = pa.array([station.words.get(name)] * size, pa.string())
    row["is_era5_preliminary"] = pa.array(np.zeros(size, dtype=bool))
    return pa.table(row)


NMDB_COLUMNS = (
    "nm_code varchar, interval_start timestamp, resolution_s integer, dtype varchar, nm_table varchar, rate_hz double,"
    " pressure_hpa double, value_type varchar, is_partial boolean, product varchar, fetched_at timestamp"
)


def write_no_monitors(data_dir: Path) -> None:
    """Create the tables of the neutron monitors without a row."""
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        for name in ("stg_nmdb", "fct_nmdb", "fct_nmdb_hour"):
            columns = f"{NMDB_COLUMNS}, n_bins integer, native_resolution_s integer"
            connection.execute(f"create or replace table {name} ({columns})")


Interval: TypeAlias = tuple[str, datetime, int, float | None]


def write_nmdb(data_dir: Path, intervals: Sequence[Interval] = ()) -> None:
    """Create `fct_nmdb` from (monitor, start, length in s, counts/s); run `fct_nmdb_hour+` to see it."""
    names = ("nm_code", "interval_start", "resolution_s", "rate_hz")
    types = (pa.string(), pa.timestamp("us"), pa.int32(), pa.float64())
    columns = list(zip(*intervals, strict=True)) or [()] * len(names)
    part = pa.table({name: pa.array(c, t) for name, c, t in zip(names, columns, types, strict=True)})
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        connection.register("part", part)
        connection.execute(
            "create or replace table fct_nmdb as select *, interval_start + interval 1 day as fetched_at from part"
        )


def run_dbt(data_dir: Path, *arguments: str, variables: dict[str, object] | None = None) -> dbt.DbtResult:
    """Run dbt on ``data_dir``."""
    return dbt.run(Paths(data_dir), arguments, variables=variables)


SEEDS = (
    *("region_group", "station_reference", "station_acceptance", "fit_exclusion"),
    *("reference_interval", "coefficient_bound", "column_decimals", "station_monitor"),
)


def write_seeds(data_dir: Path, station_ids: list[int]) -> None:
    """Load the seeds of the corrections, with the default row for every station of the test."""
    result = run_dbt(data_dir, "seed", "--select", *SEEDS)
    assert result.error is None, result.error
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        for station_id in station_ids:
            for name in ("station_reference", "station_acceptance"):
                connection.execute(
                    f"insert into {name} select r.* replace (?::tinyint as station_id) from {name} as r"
                    f" where r.station_id = 0 and ? not in (select station_id from {name})",
                    [station_id, station_id],
                )


def query(data_dir: Path, sql: str) -> list[tuple[object, ...]]:
    """Rows of a query on the build file."""
    with duckdb.connect(str(data_dir / "build.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def column(data_dir: Path, sql: str) -> Array:
    """The single column of a query, missing as nan."""
    return np.array([np.nan if row[0] is None else row[0] for row in query(data_dir, sql)], dtype=np.float64)
