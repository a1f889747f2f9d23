"""Answers of the neutron monitor database: header, column line, one line per interval."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulate.config import NetworkConfig
from simulate.environment import DAY_S, generator, grid_s, make_primary, n_whole_days, oscillations, scaled, unix_start
from simulate.landing import land, utc

BASE_RATE_HZ = {"CALM": 60.0, "KIEL2": 178.0, "LMKS": 420.0, "MXCO": 225.0, "OULU": 103.0}
DEFAULT_RATE_HZ = 100.0
RATE_STEP_S = 600
BARO_STEP_S = 3600
BLOCK_DAYS = 31
NULL_SHARE = 0.004
BARO_CODE = "OULU"
BARO_REFERENCE_HPA = 1000.0
BARO_BETA_PCT_PER_HPA = -0.74
LINE = "#_______________________________________________________________________"
TERMS = (
    "Data retrieved via NMDB are the property of the individual data providers. These data are free for",
    "non commercial use to within the restriction imposed by the providers. If you use such data for",
    "your research or applications, please acknowledge the origin by a sentence like 'We acknowledge",
    "the NMDB database (www.nmdb.eu)'. These values are simulated.",
)


def header(stations: str, first: datetime, last: datetime, kind: str, minutes: int) -> str:
    """The comment lines in front of the data."""
    fields = {
        "STATION": stations,
        "START TIME": f"{first:%Y-%m-%d %H:%M:%S} UTC",
        "END TIME": f"{last:%Y-%m-%d %H:%M:%S} UTC",
        "NMDB TABLE": "revised original",
        "DATA TYPE": kind,
        "AVERAGING": f"Yes / {minutes} min",
        "ORIGINAL RES": "1 min",
    }
    lines = ["#_____________ QUERY RESULTS SUMMARY ___________________________________"]
    lines += [f"# {name:>14}: {value}" for name, value in fields.items()]
    lines += [LINE, "#", "# Timestamps always correspond to the beginning of the time interval", LINE, "#"]
    lines += [f"#| {text:<98}|" for text in TERMS]
    return "\n".join([*lines, "#"]) + "\n"


def interval_mean(
    config: NetworkConfig, series: NDArray[np.float64], time_s: NDArray[np.float64], step_s: int
) -> NDArray[np.float64]:
    """A series of the common grid at the middle of the intervals that begin at ``time_s``."""
    values: NDArray[np.float64] = np.interp(time_s + step_s / 2, grid_s(config), series)
    return values


def monitor_rate(config: NetworkConfig, code: str, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pressure-corrected count rate of a monitor, Hz: the primary variation with Poisson errors; NaN: no value."""
    rng = generator(config, "nmdb", code, int(time_s[0]))
    base = BASE_RATE_HZ.get(code, DEFAULT_RATE_HZ)
    rate = base * (1.0 + interval_mean(config, make_primary(config), time_s, RATE_STEP_S) / 100.0)
    rate = rng.poisson(rate * RATE_STEP_S) / RATE_STEP_S
    return np.where(rng.random(len(rate)) < NULL_SHARE, np.nan, rate)


def baro_series(config: NetworkConfig, time_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Uncorrected hourly rate (Hz) and pressure (hPa) of the monitor whose barometric coefficient is fitted."""
    pressure = BARO_REFERENCE_HPA + scaled(oscillations(generator(config, "baro"), grid_s(config), 2.5, 8.0), 10.0)
    p = interval_mean(config, pressure, time_s, BARO_STEP_S)
    primary = interval_mean(config, make_primary(config), time_s, BARO_STEP_S)
    expected = BASE_RATE_HZ[BARO_CODE] * np.exp(
        (BARO_BETA_PCT_PER_HPA * (p - BARO_REFERENCE_HPA) + primary) / 100.0,
    )
    counts = generator(config, "baro-count", int(time_s[0])).poisson(expected * BARO_STEP_S)
    return counts / BARO_STEP_S, p


def table(column_line: str, time_s: NDArray[np.float64], columns: list[NDArray[np.float64]]) -> str:
    """Column line and data lines, values 7 wide with three decimals or ``null``."""
    lines = [column_line]
    for t, *values in zip(time_s.tolist(), *(column.tolist() for column in columns), strict=True):
        cells = ";".join("   null" if value != value else f"{value:7.3f}" for value in values)
        lines.append(f"{utc(t):%Y-%m-%d %H:%M:%S};{cells}")
    return "\n".join(lines) + "\n"


def write_nmdb(config: NetworkConfig, landing: Path) -> list[Path]:
    """Write the answers into ``landing/nmdb/rate`` and ``landing/nmdb/baro``, in blocks of 31 days."""
    written = []
    for first_day in range(0, n_whole_days(config), BLOCK_DAYS):
        n_days = min(BLOCK_DAYS, n_whole_days(config) - first_day)
        begin = unix_start(config) + first_day * DAY_S
        first, last = utc(begin), utc(begin + (n_days - 1) * DAY_S)
        ends_at = utc(begin + n_days * DAY_S)
        fast_s = np.arange(begin, begin + n_days * DAY_S, RATE_STEP_S, dtype=np.float64)
        slow_s = np.arange(begin, begin + n_days * DAY_S, BARO_STEP_S, dtype=np.float64)
        rates = [monitor_rate(config, code, fast_s) for code in config.monitors]
        codes = "".join(f"{code:>8}" for code in config.monitors)
        texts = {
            ("rate", "corr_for_efficiency", 10): table(f"{'':19}{codes}", fast_s, rates),
        }
        rate, pressure = baro_series(config, slow_s)
        texts["baro", "uncorrected", 60] = table("  start_date_time   RUNCORR", slow_s, [rate])
        texts["baro", "pressure_mbar", 60] = table("  start_date_time   RPRESS", slow_s, [pressure])
        kind = {
            "corr_for_efficiency": "corr_for_efficiency(RCORR_E)",
            "uncorrected": "uncorrected(RUNCORR)",
            "pressure_mbar": "pressure_mbar(RPRESS)",
        }
        for (product, dtype, minutes), text in texts.items():
            stations = list(config.monitors) if product == "rate" else [BARO_CODE]
            head = header(" ".join(stations), first, ends_at - timedelta(minutes=minutes), kind[dtype], minutes)
            fetched = ends_at + timedelta(hours=6)
            path = landing / "nmdb" / product / f"{dtype}_{first:%Y%m%d}_{last:%Y%m%d}_{fetched:%Y%m%dT%H%M%SZ}.txt"
            land(
                path,
                (head + text).encode(),
                source="nmdb_nest",
                host="www.nmdb.eu",
                remote_path=None,
                modified_at=None,
                fetched_at=fetched,
                request={"stations": stations, "dtype": dtype, "tresolution": minutes, "tabchoice": "revori"},
                http_status=200,
            )
            written.append(path)
    return written
