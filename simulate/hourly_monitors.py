"""Neutron monitors over years of hours, written as the tables that read them."""

from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa

from simulate.environment import Series, stream
from simulate.hourly import HOUR_S, HourlyNetwork
from simulate.hourly_series import band_noise, hour_start, inside, make_forbush, make_quiet_primary
from simulate.nmdb import (
    BARO_BETA_PCT_PER_HPA,
    BARO_CODE,
    BARO_REFERENCE_HPA,
    BASE_RATE_HZ,
    DEFAULT_RATE_HZ,
    NULL_SHARE,
)

AnyArrow: TypeAlias = "pa.Array[Any]"
BARO_SIGMA_HPA = 10.0
PRODUCT = {"corr_for_efficiency": "rate", "uncorrected": "baro", "pressure_mbar": "baro"}
SENT_AFTER = np.timedelta64(30, "D")


def monitor_rates(network: HourlyNetwork) -> dict[str, Series]:
    """Pressure-corrected rate of each monitor (Hz), with the scatter of its counts; NaN where it has no value."""
    primary = make_quiet_primary(network) + make_forbush(network)
    rates = {}
    for code in network.monitors:
        rng = stream(network.seed, "hourly-monitor", code)
        expected = BASE_RATE_HZ.get(code, DEFAULT_RATE_HZ) * (1.0 + primary / 100.0)
        rate = expected + np.sqrt(expected / HOUR_S) * rng.standard_normal(network.n_hours)
        is_silent = inside(network, network.monitor_gaps.get(code, ())) | (rng.random(network.n_hours) < NULL_SHARE)
        rates[code] = np.where(is_silent, np.nan, rate)
    return rates


def barometer_monitor(network: HourlyNetwork) -> tuple[Series, Series]:
    """Uncorrected rate (Hz) and pressure (hPa) of the monitor whose barometric coefficient is fitted."""
    rng = stream(network.seed, "hourly-baro")
    pressure = BARO_REFERENCE_HPA + BARO_SIGMA_HPA * band_noise(rng, network.n_hours, 5.0, 0.5)
    primary = make_quiet_primary(network) + make_forbush(network)
    air = np.exp(BARO_BETA_PCT_PER_HPA * (pressure - BARO_REFERENCE_HPA) / 100.0)
    expected = BASE_RATE_HZ[BARO_CODE] * (1.0 + primary / 100.0) * air
    return expected + np.sqrt(expected / HOUR_S) * rng.standard_normal(network.n_hours), pressure


def write_monitors(build: Path, networks: list[tuple[str, HourlyNetwork]]) -> None:
    """Write (anew) `stg_nmdb`, `fct_nmdb` and `fct_nmdb_hour`, with intervals of one hour.

    ``networks`` are pairs of what is added to the code of each monitor, and the network; the barometer monitor of the
    first one is written too, under its own code.
    """
    build.parent.mkdir(parents=True, exist_ok=True)
    parts = [
        _rows(network, code + suffix, "corr_for_efficiency", rate)
        for suffix, network in networks
        for code, rate in monitor_rates(network).items()
    ]
    first = networks[0][1]
    rate, pressure = barometer_monitor(first)
    parts += [_rows(first, BARO_CODE, "uncorrected", rate), _rows(first, BARO_CODE, "pressure_mbar", pressure)]
    with duckdb.connect(str(build)) as connection:
        connection.register("part", pa.concat_tables(parts))
        connection.execute("create or replace table stg_nmdb as select * from part")
        connection.execute(
            "create or replace table fct_nmdb as select nm_code, interval_start, resolution_s, rate_hz, fetched_at"
            " from stg_nmdb where product = 'rate'"
        )
        connection.execute(
            "create or replace table fct_nmdb_hour as select nm_code, interval_start, resolution_s, rate_hz,"
            " (rate_hz is not null)::integer as n_bins, resolution_s as native_resolution_s from fct_nmdb"
        )


def _rows(network: HourlyNetwork, code: str, dtype: str, values: Series) -> pa.Table:
    size = network.n_hours
    start = hour_start(network)
    is_pressure = dtype == "pressure_mbar"
    value, none = pa.array(values, from_pandas=True), pa.nulls(size, pa.float64())
    row: dict[str, AnyArrow] = {
        "nm_code": pa.array([code] * size),
        "interval_start": pa.array(start),
        "resolution_s": pa.array(np.full(size, HOUR_S, dtype=np.int32)),
        "dtype": pa.array([dtype] * size),
        "nm_table": pa.array(["revori"] * size),
        "rate_hz": none if is_pressure else value,
        "pressure_hpa": value if is_pressure else none,
        "value_type": pa.array([dtype] * size),
        "is_partial": pa.array(np.zeros(size, dtype=bool)),
        "product": pa.array([PRODUCT[dtype]] * size),
        "fetched_at": pa.array(start + SENT_AFTER),
    }
    return pa.table(row)
