"""Hours written as the tables the corrections read: what the detector, the logs and the monitors would have given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulate.environment import Series

AnyArrow: TypeAlias = "pa.Array[Any]"

PATTERNS = ("1234", "123", "234", "124", "134", "12", "23", "34", "13", "24", "14")
TELESCOPE = ("1234", "124", "134")
FIDUCIAL = ((1, "1234"), (1, "234"), (4, "1234"), (4, "123"))
REGIONS = ("R0.0", *(f"R{ring}.{sector}" for ring in (1, 2, 3) for sector in range(8)))

ENVIRONMENT_COLUMNS = (
    *("hv_current_pos_ua", "hv_current_neg_ua", "hv_neg_kv", "hv_pos_kv"),
    *("rate_asserted_hz", "rate_edge_hz", "rate_accepted_hz"),
    *(f"rate_tm{k}_hz" for k in range(4)),
    *(f"rate_cm{k}_hz" for k in range(4)),
    *("temp_ext_degc", "rh_ext_pct", "pressure_ext_hpa", "temp_int_degc", "rh_int_pct", "pressure_int_hpa"),
    *("disk_1_fill_pct", "disk_2_fill_pct", "file_indicator"),
    *(f"flow_p{k}_au" for k in range(1, 5)),
    *("pressure_lab_hpa", "temp_lab_degc", "rh_lab_pct"),
    *("temp_ground_k", "temp_100hpa_k", "height_100hpa_m", "temp_mass_avg_k", "temp_eff_k"),
    "era5_surface_pressure_hpa",
)
ERA5_COLUMNS = ENVIRONMENT_COLUMNS[-6:]
MINUTE = np.timedelta64(60_000_000, "us")
HOUR_S = 3600


@dataclass(frozen=True)
class Hours:
    """Hours of one station; every array has the shape (hour,).

    Attributes
    ----------
    counts, list_counts
        Events by pattern, with a track and without asking for one; ``list_counts`` NULL: the same.
    fiducial
        Events by (plane, pattern) whose track points well inside the plane; NULL: not known.
    region
        Telescope events by region; NULL: all in the vertical cap.
    environment
        Values of `ENVIRONMENT_COLUMNS`, NaN where missing. What is left out is missing everywhere.
    is_whole
        Counts are whole numbers; else they are stored as they come.
    pressure_source
        Which barometer: ``ext`` or ``int``.
    n_minutes
        Minutes with live time; NULL: as few as the live seconds need.
    """

    station_id: int
    start: NDArray[np.datetime64]
    live_s: Series
    counts: dict[str, Series]
    environment: dict[str, Series]
    conf_number: Series | float = 1.0
    fiducial: dict[tuple[int, str], Series] | None = None
    region: dict[str, Series] | None = None
    list_counts: dict[str, Series] | None = None
    triggers: tuple[int, ...] = (12, 23, 34, 13)
    is_whole: bool = False
    pressure_source: str = "ext"
    n_minutes: Series | None = None

    @property
    def telescope(self) -> Series:
        """Events of the patterns that make the rate."""
        return sum((self.counts[tt] for tt in TELESCOPE), np.zeros(len(self.start)))

    def column(self, name: str) -> Series:
        """A column of the environment, NaN where nothing is known."""
        return self.environment.get(name, np.full(len(self.start), np.nan))


def write_hours(build: Path, stations: list[Hours]) -> None:
    """Write (anew) the tables of bins, minutes, files and reanalysis hours into the build file.

    Left out: seeds, `dim_station`, and the neutron monitors (`write_monitors`).
    """
    build.parent.mkdir(parents=True, exist_ok=True)
    makers = {
        "int_bin_count": bin_count,
        "int_bin_region": bin_region,
        "int_bin_list_count": bin_list_count,
        "int_bin_environment": bin_environment,
        "large_table": edge_minutes,
        "dim_file": day_files,
        "fct_era5_hour": era5_hours,
    }
    with duckdb.connect(str(build)) as connection:
        for name, make in makers.items():
            for position, hours in enumerate(stations):
                connection.register("part", make(hours))
                what = f"insert into {name}" if position else f"create or replace table {name} as"
                connection.execute(f"{what} select * from part")
                connection.unregister("part")


def bin_count(hours: Hours) -> pa.Table:
    """Rows of `int_bin_count`. An hour without live time has no counts, and one with some has zeros."""
    size = len(hours.start)
    is_live = hours.live_s > 0
    n_minutes = np.ceil(hours.live_s / 60) if hours.n_minutes is None else hours.n_minutes
    fiducial = hours.fiducial or {}
    unknown = np.full(size, np.nan)
    return pa.table(
        _keys(hours)
        | {
            "conf_number": _per_hour(hours, hours.conf_number),
            "n_configurations": pa.array(is_live.astype(np.int64)),
            "is_configuration_fallback": pa.array(np.zeros(size, dtype=bool)),
            "is_z_default": pa.array(np.zeros(size, dtype=bool)),
            "n_minutes": pa.array(n_minutes.astype(np.int64)),
            "n_bad_minutes": pa.array(np.zeros(size, dtype=np.int64)),
            "n_events": _count(np.rint(sum(hours.counts.values())), is_live, is_whole=True),
        }
        | {f"n_{tt}": _count(hours.counts[tt], is_live, hours.is_whole) for tt in PATTERNS}
        | {
            f"n_fid_{plane}_{tt}": _count(fiducial.get((plane, tt), unknown), is_live, hours.is_whole)
            for plane, tt in FIDUCIAL
        }
        | {
            "live_s": pa.array(hours.live_s),
            "coverage": pa.array(hours.live_s / HOUR_S),
            "is_usable": pa.array(hours.live_s >= HOUR_S / 2),
        }
    )


def bin_region(hours: Hours) -> pa.Table:
    """Rows of `int_bin_region`: regions with events only."""
    regions = hours.region or {"R0.0": hours.telescope}
    n_tel = np.concatenate([regions[code] for code in regions])
    is_there = n_tel > 0
    size = len(hours.start)
    keys = {name: pa.array(np.tile(column.to_numpy(), len(regions))[is_there]) for name, column in _keys(hours).items()}
    code = pa.array(np.repeat(np.array(list(regions)), size)[is_there])
    return pa.table(keys | {"region_code": code, "n_tel": _count(n_tel[is_there], n_tel[is_there] > 0, hours.is_whole)})


def bin_list_count(hours: Hours) -> pa.Table:
    """Rows of `int_bin_list_count`."""
    counts = hours.list_counts or hours.counts
    is_live = hours.live_s > 0
    rows = _keys(hours) | {f"n_list_{tt}": _count(np.rint(counts[tt]), is_live, is_whole=True) for tt in PATTERNS}
    return pa.table(rows).filter(pa.array(is_live))


def bin_environment(hours: Hours) -> pa.Table:
    """Rows of `int_bin_environment`."""
    size = len(hours.start)
    has_pressure = ~np.isnan(hours.column("pressure_lab_hpa"))
    row = _keys(hours) | {"n_pressure_minutes": pa.array(np.where(has_pressure, 60, 0))}
    row |= {name: pa.array(hours.column(name), from_pandas=True) for name in ENVIRONMENT_COLUMNS}
    row["pressure_lab_source"] = _word(has_pressure, f"{hours.pressure_source}_measured")
    row |= {f"{name}_lab_source": pa.nulls(size, pa.string()) for name in ("temp", "rh")}
    row["is_era5_preliminary"] = pa.array(np.zeros(size, dtype=bool))
    row["pressure_source"] = _word(has_pressure, hours.pressure_source)
    return pa.table(row)


def edge_minutes(hours: Hours) -> pa.Table:
    """The first and the last minute of every live hour, all that is read of `large_table` here."""
    is_live = hours.live_s > 0
    start = np.concatenate([hours.start[is_live], hours.start[is_live] + 59 * MINUTE])
    conf_number = _per_hour(hours, hours.conf_number).to_numpy()[is_live]
    return pa.table(
        {
            "station_id": pa.array(np.full(start.size, hours.station_id, dtype=np.int8)),
            "minute_start": pa.array(start.astype("datetime64[us]")),
            "conf_number": pa.array(np.tile(conf_number, 2)),
            "live_s": pa.array(np.full(start.size, 60.0)),
            "is_bad_minute": pa.array(np.zeros(start.size, dtype=bool)),
        }
    )


def day_files(hours: Hours) -> pa.Table:
    """A detector file for each day and configuration with live time: rows of `dim_file` as far as they are read."""
    is_live = hours.live_s > 0
    day = hours.start[is_live].astype("datetime64[D]").astype(np.int64)
    days, numbers = np.unique([day, _per_hour(hours, hours.conf_number).to_numpy()[is_live]], axis=1)
    start = days.astype(np.int64).astype("datetime64[D]")
    triggers = [*hours.triggers, *[None] * 4][:4]
    return pa.table(
        {
            "file_id": pa.array(
                [f"f{hours.station_id}-{day}-{number:g}" for day, number in zip(start, numbers, strict=True)]
            ),
            "station_id": pa.array(np.full(start.size, hours.station_id, dtype=np.int8)),
            "conf_number": pa.array(numbers),
            "start_time": pa.array(start.astype("datetime64[us]")),
        }
        | {f"trigger_{k + 1}": pa.array([label] * start.size, pa.int32()) for k, label in enumerate(triggers)}
    )


def era5_hours(hours: Hours) -> pa.Table:
    """Rows of `fct_era5_hour`."""
    row: dict[str, AnyArrow] = {
        "station_id": _keys(hours)["station_id"],
        "valid_time": pa.array(hours.start.astype("datetime64[us]")),
    }
    row |= {name: pa.array(hours.column(name), from_pandas=True) for name in ERA5_COLUMNS}
    return pa.table(row | {"is_era5_preliminary": pa.array(np.zeros(len(hours.start), dtype=bool))})


def _keys(hours: Hours) -> dict[str, AnyArrow]:
    size = len(hours.start)
    return {
        "station_id": pa.array(np.full(size, hours.station_id, dtype=np.int8)),
        "bin_start": pa.array(hours.start.astype("datetime64[us]")),
        "bin_width_s": pa.array(np.full(size, HOUR_S, dtype=np.int32)),
    }


def _per_hour(hours: Hours, value: Series | float) -> AnyArrow:
    return pa.array(np.broadcast_to(np.asarray(value, dtype=np.float64), hours.live_s.shape))


def _count(values: Series, is_known: NDArray[np.bool_], is_whole: bool) -> AnyArrow:
    known = is_known & ~np.isnan(values)
    plain = np.where(known, values, 0)
    return pa.array(plain.astype(np.int64) if is_whole else plain, mask=~known)


def _word(is_there: NDArray[np.bool_], word: str) -> AnyArrow:
    return pa.array(np.where(is_there, word, ""), mask=~is_there)
