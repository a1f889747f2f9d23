"""What is true of a network of hours, as Parquet."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from simulate.hourly import HourlyNetwork, HourlyStation
from simulate.hourly_counts import HourTruth, make_hours, make_truth
from simulate.hourly_series import hour_start
from simulate.hourly_tables import Hours
from simulate.truth import write_truth_table


def simulate_hours(network: HourlyNetwork) -> list[tuple[HourTruth, Hours]]:
    """Truth and hours of every station."""
    pairs = []
    for station in network.stations:
        truth = make_truth(network, station)
        pairs.append((truth, make_hours(network, station, truth)))
    return pairs


def coefficient_table(network: HourlyNetwork, truths: list[HourTruth]) -> pa.Table:
    """One row per station and configuration: coefficients, rate at reference conditions, planes' first efficiencies."""
    rows = []
    for station, truth in zip(network.stations, truths, strict=True):
        site = station.site
        for conf_number in np.unique(truth.conf_number):
            first = int(np.argmax(truth.conf_number == conf_number))
            rows.append(
                {
                    "station_id": site.station_id,
                    "conf_number": float(conf_number),
                    "range_start": hour_start(network)[first],
                    "beta_pct_per_hpa": site.beta_pct_per_hpa,
                    "alpha_pct_per_k": site.alpha_pct_per_k,
                    "gamma_pct_per_pct": site.gamma_pct_per_pct,
                    "reference_pressure_hpa": site.reference_pressure_hpa,
                    "temp_mass_ref_k": truth.air.temp_mass_ref_k,
                    "rate_ref_hz": float(truth.rate_ref_hz[first]),
                }
                | {f"eff_{plane + 1}": _level(station, float(conf_number))[plane] for plane in range(4)}
            )
    return pa.Table.from_pylist(rows)


def _level(station: HourlyStation, conf_number: float) -> tuple[float, ...]:
    change = station.change
    is_later = change is not None and conf_number == change.conf_number
    return change.efficiency if change is not None and is_later else station.site.efficiency


def hour_table(network: HourlyNetwork, truths: list[HourTruth]) -> pa.Table:
    """One row per station and hour: true rate (Hz), air, primary variation (%), efficiencies."""
    parts = []
    for station, truth in zip(network.stations, truths, strict=True):
        row = {
            "station_id": np.full(network.n_hours, station.site.station_id, dtype=np.int8),
            "bin_start": hour_start(network),
            "conf_number": truth.conf_number,
            "rate_hz": truth.rate_hz,
            "rate_ref_hz": truth.rate_ref_hz,
            "pressure_hpa": truth.air.pressure_hpa,
            "temp_mass_k": truth.air.temp_mass_k,
            "primary_pct": truth.primary_pct,
        }
        row |= {f"eff_{plane + 1}": truth.efficiency[plane] for plane in range(4)}
        parts.append(pa.table({name: pa.array(values) for name, values in row.items()}))
    return pa.concat_tables(parts)


def write_truth(folder: Path, network: HourlyNetwork, truths: list[HourTruth]) -> None:
    """Write `coefficient.parquet` and `hour.parquet` into ``folder``."""
    write_truth_table(folder / "coefficient.parquet", coefficient_table(network, truths))
    write_truth_table(folder / "hour.parquet", hour_table(network, truths))
