"""A published file with plausible numbers, made directly: the columns the report reads, hour by hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

START = datetime(2025, 3, 1)
HOUR_S = 3600
PATTERNS = ("1234", "123", "234", "124", "134")


@dataclass(frozen=True)
class Station:
    station_id: int
    station_code: str
    city: str
    altitude_m: float
    reference_pressure_hpa: float
    efficiency: tuple[float, float, float, float]
    beta: float


STATIONS = (
    Station(1, "MINGO01", "Madrid", 650, 940, (0.92, 0.88, 0.95, 0.85), -0.20),
    Station(2, "MINGO02", "Warsaw", 110, 1004, (0.90, 0.93, 0.91, 0.94), -0.17),
    Station(3, "MINGO03", "Puebla", 2160, 790, (0.86, 0.90, 0.88, 0.83), -0.22),
    Station(4, "MINGO04", "Monterrey", 540, 955, (0.95, 0.94, 0.96, 0.93), -0.19),
)


def station_hours(station: Station, days: int, rate_hz: float, rng: np.random.Generator) -> pl.DataFrame:
    """Hours of one station: pressure, efficiencies, Poisson counts and the stages made from them, as published."""
    h = np.arange(days * 24)
    day = 2 * np.pi * h / 24
    phase = station.station_id
    delta = 6 * np.sin(2 * np.pi * h / 127.2 + phase) + 3 * np.sin(2 * np.pi * h / 50.4 + 1) + np.sin(2 * day)
    wave = 0.02 * np.sin(2 * np.pi * h / 300 + phase)
    e = np.array([np.clip(value + wave, 0.05, 0.99) for value in station.efficiency])
    primary = 0.4 * np.sin(day - 1.2) - 1.5 * np.exp(-np.clip(h - 200, 0, None) / 60) * (h >= 200)
    true_hz = rate_hz * np.exp(station.beta / 100 * delta) * (1 + primary / 100)
    live_s = np.where(rng.random(h.size) < 0.03, rng.uniform(300, 3000, h.size), 3600.0)
    live_s[(h > 150 + phase * 7) & (h < 160 + phase * 7)] = 0.0
    share = {
        "1234": e.prod(axis=0),
        "123": e[0] * e[1] * e[2] * (1 - e[3]),
        "234": (1 - e[0]) * e[1] * e[2] * e[3],
        "124": e[0] * e[1] * (1 - e[2]) * e[3],
        "134": e[0] * (1 - e[1]) * e[2] * e[3],
    }
    n = {tt: rng.poisson(true_hz * live_s * share[tt]).astype(float) for tt in PATTERNS}
    live = live_s > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        pools = [n["1234"] + n[tt] for tt in ("234", "134", "124", "123")]
        eff = [n["1234"] / pool for pool in pools]
        eff_sigma = [np.sqrt(ek * (1 - ek) / pool) for ek, pool in zip(eff, pools, strict=True)]
        telescope = eff[0] * eff[3] * (1 - (1 - eff[1]) * (1 - eff[2]))
        n_tel = n["1234"] + n["124"] + n["134"]
        raw = n_tel / live_s
        raw_sigma = np.sqrt(n_tel) / live_s
        rate = raw / telescope
        sigma = rate * 1.3 / np.sqrt(n_tel)
    factor = np.exp(-station.beta / 100 * delta)
    final, final_sigma = rate * factor, sigma * factor
    mean = float(np.nanmean(final[live]))
    excluded = (h > 60) & (h < 75) if station.station_id == 1 else np.zeros(h.size, dtype=bool)
    columns: dict[str, Any] = {
        "station_id": np.full(h.size, station.station_id),
        "station_code": [station.station_code] * h.size,
        "bin_start": [START + timedelta(hours=int(hour)) for hour in h],
        "bin_width_s": np.full(h.size, HOUR_S),
        "conf_number": np.where(h < days * 14, 7, 8),
        "n_minutes": (live_s / 60).round().astype(int),
        "live_s": live_s,
        "coverage": live_s / HOUR_S,
        "is_usable": live_s >= HOUR_S / 2,
        "n_events": np.where(live, sum(n.values()) * 1.1, 0).round(),
        **{f"n_{tt}": n[tt] for tt in PATTERNS},
        "pressure_lab_hpa": station.reference_pressure_hpa + delta,
        "pressure_ext_hpa": station.reference_pressure_hpa + delta,
        "pressure_int_hpa": station.reference_pressure_hpa + delta + 1.1,
        "temp_ext_degc": 12 + 6 * np.sin(day - 2) + phase,
        "temp_int_degc": 21 + np.sin(day - 3),
        "rh_ext_pct": 55 - 15 * np.sin(day - 2),
        "rh_int_pct": 38 + 3 * np.sin(day),
        "hv_neg_kv": np.where(excluded, 4.1, 5.55),
        "hv_pos_kv": np.where(excluded, 4.1, 5.53),
        **{f"eff_{k}": eff[k - 1] for k in (1, 2, 3, 4)},
        **{f"eff_{k}_sigma": eff_sigma[k - 1] for k in (1, 2, 3, 4)},
        "eff_telescope": telescope,
        "eff_method": ["fiducial"] * h.size,
        "eff_source": ["bin"] * h.size,
        "eff_status": ["ok" if is_live else "no_live" for is_live in live],
        "pressure_delta_hpa": delta,
        "pressure_source": ["ext"] * h.size,
        "pressure_status": ["ok"] * h.size,
        "rate_raw_hz": raw,
        "rate_raw_sigma_hz": raw_sigma,
        "rate_eff_hz": rate,
        "rate_eff_sigma_hz": sigma,
        "rate_eff_p_hz": final,
        "rate_eff_p_sigma_hz": final_sigma,
        "rate_final_hz": final,
        "rate_final_sigma_hz": final_sigma,
        "rate_without_eff_hz": raw * factor,
        "rate_without_pressure_hz": rate,
        "rate_norm_pct": 100 * (final / mean - 1),
        "rate_norm_sigma_pct": 100 * final_sigma / mean,
        "is_outlier": np.zeros(h.size, dtype=bool),
        "is_excluded": excluded | ~live,
        "fit_exclusion_reason": [
            "no_live" if not is_live else "excluded_detector" if is_out else None
            for is_live, is_out in zip(live, excluded, strict=True)
        ],
    }
    return pl.DataFrame(columns).fill_nan(None)


def efficiencies(hours: pl.DataFrame) -> pl.DataFrame:
    """The long form of the four efficiencies."""
    key = ["station_id", "bin_start", "bin_width_s", "eff_method", "eff_source", "eff_status"]
    planes = [
        hours.select(
            *key,
            pl.lit(k).alias("plane"),
            (pl.col("n_1234") / pl.col(f"eff_{k}")).alias("n_pool"),
            pl.col(f"eff_{k}").alias("efficiency"),
            pl.col(f"eff_{k}_sigma").alias("efficiency_sigma"),
        )
        for k in (1, 2, 3, 4)
    ]
    return pl.concat(planes)


def coefficients(days: int) -> pl.DataFrame:
    """One configuration range a station, and its months; the fourth station falls back to the seed."""
    rows = []
    for station in STATIONS:
        is_fitted = station.station_id != 4
        for scope, n_rows in (("config", days * 24 - 30), ("month", min(days, 31) * 24 - 30)):
            is_applied = scope == "config"
            applied = station.beta + 0.01 if is_fitted else -0.20
            rows.append(
                {
                    "coefficient_id": f"{station.station_code}-all-{scope}",
                    "station_id": station.station_id,
                    "group_code": "all",
                    "scope": scope,
                    "conf_number": 7,
                    "range_start": START,
                    "range_end": START + timedelta(days=days),
                    "fit_until": START + timedelta(days=days),
                    "beta_pct_per_hpa": station.beta + 0.01 if is_fitted else None,
                    "beta_sigma_pct_per_hpa": 0.012 if is_fitted else None,
                    "beta_sigma_stat_pct_per_hpa": 0.006 if is_fitted else None,
                    "rate_at_p_ref_hz": 15.0 if is_fitted else None,
                    "r2": 0.91 if is_fitted else None,
                    "chi2_ndf": 1.07 if is_fitted else None,
                    "n_rows": n_rows,
                    "n_excluded_rows": 30,
                    "pressure_span_hpa": 14.9,
                    "reference_pressure_hpa": station.reference_pressure_hpa,
                    "fit_status": "ok" if is_fitted else "insufficient_rows",
                    "is_applied": is_applied,
                    "applied_beta_pct_per_hpa": applied if is_applied else None,
                    "applied_beta_sigma_pct_per_hpa": (0.012 if is_fitted else 0.05) if is_applied else None,
                    "applied_source": ("fit" if is_fitted else "seed") if is_applied else None,
                }
            )
    return pl.DataFrame(rows)


def write_published(path: Path, *, days: int = 14, rate_hz: float = 15.0, seed: int = 1, city: str = "Madrid") -> Path:
    """Write the published file of a network of four stations; ``city`` is the first station's (a text to escape)."""
    rng = np.random.default_rng(seed)
    hours = pl.concat([station_hours(station, days, rate_hz, rng) for station in STATIONS])
    stations = pl.DataFrame(
        [
            {
                "station_id": s.station_id,
                "station_code": s.station_code,
                "city": city if s.station_id == 1 else s.city,
                "latitude_deg": 40.4,
                "longitude_deg": -3.7,
                "altitude_m": s.altitude_m,
                "reference_pressure_hpa": s.reference_pressure_hpa,
                "is_enabled": True,
            }
            for s in STATIONS
        ]
    )
    files = pl.DataFrame(
        [
            {
                "file_id": s.station_id * 10**11 + day,
                "station_id": s.station_id,
                "start_time": START + timedelta(days=day),
                "status": "empty" if day == 3 else "ok",
                "n_lines": 0 if day == 3 else 30_010,
                "n_events": 0 if day == 3 else 30_000,
                "n_rejects": 0 if day == 3 else 10,
            }
            for s in STATIONS
            for day in range(days)
        ]
    )
    publication = pl.DataFrame(
        [
            {
                "publication_id": "20250401T000000Z-abc123",
                "published_at": datetime(2025, 4, 1, 6, 30),
                "build_id": "b-abc123",
                "code_version": "0123456789abcdef",
                "schema_version": 1,
                "duckdb_version": "v1.5.6",
                "data_start_at": START,
                "data_end_at": START + timedelta(days=days),
                "n_warnings": 2,
            }
        ]
    )
    rates = hours.with_columns(pl.lit("all").alias("group_code"))
    tables = {
        "large_corrected_table": hours,
        "fct_rate": rates,
        "fct_efficiency": efficiencies(hours),
        "fct_pressure_coefficient": coefficients(days),
        "dim_station": stations,
        "fct_file": files,
        "publication": publication,
    }
    with duckdb.connect(str(path)) as connection:
        for name, frame in tables.items():
            connection.register("frame", frame.to_arrow())
            connection.execute(f"create table {name} as select * from frame")
            connection.unregister("frame")
    return path
