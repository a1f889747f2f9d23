"""Tables of what is true of a simulated network, as Parquet beside it."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simulate.config import NetworkConfig, StationConfig
from simulate.environment import Series, generator, make_weather, n_whole_days, unix_start
from simulate.file import calibration_table
from simulate.rate import file_spans, rate_factor
from simulate.response import Offsets, make_offsets


def station_offsets(config: NetworkConfig, station: StationConfig) -> Offsets:
    """The offsets of a station; they do not change during the span."""
    return make_offsets(station.offsets, generator(config, "offsets", station.station_id))


def write_truth_table(path: Path, table: pa.Table) -> None:
    """Write a truth table, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    pq.write_table(table, part, compression="zstd")
    part.replace(path)


def station_table(config: NetworkConfig, through: dict[int, float], files: pa.Table) -> pa.Table:
    """One row per station: configuration, coefficients, efficiencies, rates.

    ``eff_k`` is the probability of a strip seen at both ends (what a track needs), ``eff_any_k`` of any end, and
    ``eff_realised_k`` the share of the simulated tracks through all four planes that plane k saw at both ends.
    ``rate_through_hz`` is the rate of muons through all four planes at reference conditions, that is the rate after
    all corrections; ``through`` is its ratio to the event rate, by station.
    """
    rows = []
    for station in config.stations:
        weather = make_weather(config, station)
        own = files.filter(pc.field("station_id") == station.station_id)
        row: dict[str, object] = {
            "station_id": station.station_id,
            "conf_number": float(station.conf_number),
            "beta_pct_per_hpa": station.beta_pct_per_hpa,
            "alpha_pct_per_k": station.alpha_pct_per_k,
            "gamma_pct_per_pct": station.gamma_pct_per_pct,
            "reference_pressure_hpa": station.reference_pressure_hpa,
            "temp_mass_ref_k": weather.temp_mass_ref_k,
            "rate_hz": station.rate_hz,
            "rate_through_hz": station.rate_hz * through[station.station_id],
            "offsets": station.offsets,
            "triggers": " ".join(str(label) for label in station.triggers),
            "phi_north_deg": station.phi_north_deg,
        }
        for plane in range(4):
            row[f"z_plane_{plane + 1}_mm"] = station.z_mm[plane]
            row[f"eff_{plane + 1}"] = station.efficiency[plane]
            row[f"eff_any_{plane + 1}"] = min(1.0, station.efficiency[plane] + station.one_ended)
            row[f"eff_realised_{plane + 1}"] = _total(own, f"n_two_ended_p{plane + 1}") / _total(own, "n_crossing_all")
        rows.append(row)
    return pa.Table.from_pylist(rows)


def _total(table: pa.Table, column: str) -> int:
    return int(np.sum(table.column(column).to_numpy()))


def calibration_truth(config: NetworkConfig) -> pa.Table:
    """Offsets and pedestals of every station, 16 rows each."""
    tables = []
    for station in config.stations:
        table = calibration_table(station_offsets(config, station))
        column = pa.array([station.station_id] * table.num_rows, type=pa.int8())
        tables.append(table.add_column(0, "station_id", column))
    return pa.concat_tables(tables)


def hour_table(config: NetworkConfig) -> pa.Table:
    """One row per station and hour: true environment (means of the hour), rate factor, expected event rate.

    ``live_share`` is the part of the hour with data taking.
    """
    tables = []
    for station in config.stations:
        weather = make_weather(config, station)
        factor = rate_factor(station, weather)
        n_hours = n_whole_days(config) * 24
        begin = unix_start(config) + 3600 * np.arange(n_hours)

        def hourly(series: Series, n: int = n_hours) -> "pa.Array[Any]":
            middle: Series = (series[1:] + series[:-1]) / 2
            mean: Series = middle[: n * 6].reshape(n, 6).mean(axis=1)
            return pa.array(mean)

        live_s = np.zeros(n_hours)
        for span in file_spans(config, station):
            live_s += np.clip(np.minimum(begin + 3600, span.end_s) - np.maximum(begin, span.begin_s), 0, None)
        tables.append(
            pa.table(
                {
                    "station_id": pa.array([station.station_id] * n_hours, type=pa.int8()),
                    "hour_start": pa.array(begin * 1_000_000, type=pa.timestamp("us")),
                    "pressure_hpa": hourly(weather.pressure_hpa),
                    "temp_mass_k": hourly(weather.temp_mass_k),
                    "temp_ground_k": hourly(weather.temp_ground_k),
                    "primary_pct": hourly(weather.primary_pct),
                    "rate_factor": hourly(factor),
                    "expected_rate_hz": hourly(factor * station.rate_hz),
                    "live_share": pa.array(live_s / 3600.0),
                }
            )
        )
    return pa.concat_tables(tables)
