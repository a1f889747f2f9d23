"""What a learned trend of the rate adds to pressure and temperature, judged on months it never saw."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from warehouse.fit.failure import FIT_ERRORS
from warehouse.fit.trend_features import features, lag_zero
from warehouse.fit.trend_ridge import least_squares, ridge, skill

TREND_TYPES: dict[str, pa.DataType] = {
    "station_id": pa.int8(),
    "conf_number": pa.float64(),
    "range_start": pa.timestamp("us"),
    "method": pa.string(),
    "status": pa.string(),
    "train_start": pa.timestamp("us"),
    "held_out_start": pa.timestamp("us"),
    "held_out_end": pa.timestamp("us"),
    "n_train_months": pa.int32(),
    "n_train": pa.int32(),
    "n_held_out": pa.int32(),
    "rate_mean_hz": pa.float64(),
    "ridge_penalty": pa.float64(),
    "rmse_pressure_pct": pa.float64(),
    "rmse_joint_pct": pa.float64(),
    "rmse_ridge_pct": pa.float64(),
    "skill": pa.float64(),
    "skill_low": pa.float64(),
    "skill_high": pa.float64(),
    "residual_corr_pressure": pa.float64(),
    "residual_corr_temperature": pa.float64(),
    "verdict": pa.string(),
    "bin_start": pa.list_(pa.timestamp("us")),
    "rate_pct": pa.list_(pa.float64()),
    "prediction_pct": pa.list_(pa.float64()),
}
TREND_SCHEMA = pa.schema(TREND_TYPES)

METHODS = {
    "mass": ("pressure_delta_hpa", "temp_mass_avg_k", "temp_ground_k"),
    "duperier": ("pressure_delta_hpa", "temp_100hpa_k", "height_100hpa_km", "temp_ground_k"),
}
"""Air of each method; the joint linear law reads all but the temperature at the ground, at the hour itself."""

MIN_PROFILE_SHARE = 0.8
"""Hours with a profile, as a share of those with a 100 hPa level, from which on the profile is used."""
MIN_TRAIN_MONTHS = 6
N_HELD_MONTHS = 3
HELD_SHARE = 0.2
BLOCK_H = 120
MIN_SKILL = 0.02
DIGITS = 9

Array = NDArray[np.float64]
Hours = NDArray[np.int64]


class Learned(NamedTuple):
    """Predictions (n,) of the three laws in % of the training mean, for training and held-out rows alike."""

    pressure: Array
    joint: Array
    ridge: Array
    penalty: float


def border(hour: Hours, end: int) -> int:
    """First held-out hour: the last 3 calendar months, or the last 20 % of the rows where that is more.

    Parameters
    ----------
    hour
        (n,) hours since 1970 of the rows, ascending, all before ``end``.
    end
        The hour at which a calendar month ends, of which all rows are known.
    """
    months = np.datetime64(end, "h").astype("datetime64[M]") - np.timedelta64(N_HELD_MONTHS, "M")
    return min(int(months.astype("datetime64[h]").astype(np.int64)), int(hour[int((1 - HELD_SHARE) * len(hour))]))


def month_of(hour: Hours) -> Hours:
    """Number of the calendar month (since 1970) of each hour."""
    return np.asarray(hour.astype("datetime64[h]").astype("datetime64[M]").astype(np.int64))


def learn(x: Array, y: Array, n_joint: int, month: Hours, is_train: NDArray[np.bool_]) -> Learned:
    """Fit the three laws on the training rows and apply them to all.

    Parameters
    ----------
    x, y, month, is_train
        (n, p) of `features`, (n,) rate in % of its training mean, (n,), (n,).
    n_joint
        How many quantities, the pressure first, the joint linear law reads.
    """
    now = lag_zero(n_joint)
    pressure = least_squares(x[is_train][:, :1], y[is_train]).of(x[:, :1])
    joint = least_squares(x[is_train][:, now], y[is_train]).of(x[:, now])
    law, penalty = ridge(x[is_train], y[is_train], month[is_train])
    return Learned(pressure, joint, law.of(x), penalty)


def judge(learned: Learned, y: Array, x: Array, hour: Hours) -> dict[str, Any]:
    """Figures of the held-out rows: all arguments have these rows only; a verdict, never a correction."""
    residual = y - learned.ridge
    gain = skill(residual, y - learned.joint, hour // BLOCK_H)
    return {
        "rmse_pressure_pct": stored(_rms(y - learned.pressure)),
        "rmse_joint_pct": stored(_rms(y - learned.joint)),
        "rmse_ridge_pct": stored(_rms(residual)),
        "skill": stored(gain.value),
        "skill_low": stored(gain.low),
        "skill_high": stored(gain.high),
        "residual_corr_pressure": stored(_correlation(residual, x[:, 0])),
        "residual_corr_temperature": stored(_correlation(residual, x[:, lag_zero(2)[1]])),
        "verdict": "better" if gain.value > MIN_SKILL and gain.low > 0 else "no_better",
    }


def run(hour: Hours, rate_hz: Array, air: dict[str, Array], full_until: int) -> dict[str, Any]:
    """Train, predict and judge one range of one station.

    Parameters
    ----------
    hour
        (row,) hours since 1970, ascending and unique: every hour of the range, usable or not.
    rate_hz
        (row,) rate corrected for the efficiency; NaN where it may not enter a fit.
    air
        (row,) columns named in `METHODS`.
    full_until
        End (hour since 1970) of the last calendar month that is over; later rows wait until their month is.

    Returns
    -------
    Columns of `TREND_TYPES` beside the keys.
    """
    is_rated = np.isfinite(rate_hz) & (hour < full_until)
    sets = {name: features(hour, np.stack([air[k] for k in names], axis=1)) for name, names in METHODS.items()}
    complete = {name: is_rated & np.isfinite(x).all(axis=1) for name, x in sets.items()}
    has_profile = complete["mass"].sum() >= max(1, MIN_PROFILE_SHARE * complete["duperier"].sum())
    method = "mass" if has_profile else "duperier"
    used = complete[method]
    if not used.any():
        return {"status": "missing_environment" if is_rated.any() else "insufficient_rows"}
    hour, x, rate_hz = hour[used], sets[method][used], rate_hz[used]
    held_from = border(hour, full_until)
    is_train = hour < held_from
    month = month_of(hour)
    row: dict[str, Any] = {
        "method": method,
        "n_train_months": len(np.unique(month[is_train])),
        "n_train": int(is_train.sum()),
        "n_held_out": int((~is_train).sum()),
        "train_start": moment(int(hour[0])),
        "held_out_start": moment(held_from),
        "held_out_end": moment(full_until),
    }
    if row["n_train_months"] < MIN_TRAIN_MONTHS:
        return row | {"status": "too_few_months"}
    if len(np.unique(month[~is_train])) < N_HELD_MONTHS:
        return row | {"status": "too_few_held_out"}
    mean = float(rate_hz[is_train].mean())
    y = 100 * (rate_hz / mean - 1)
    try:
        learned = learn(x, y, len(METHODS[method]) - 1, month, is_train)
    except FIT_ERRORS:
        return row | {"status": "fit_failed"}
    held = Learned(learned.pressure[~is_train], learned.joint[~is_train], learned.ridge[~is_train], learned.penalty)
    return (
        row
        | {"status": "ok", "rate_mean_hz": stored(mean), "ridge_penalty": stored(learned.penalty)}
        | judge(held, y[~is_train], x[~is_train], hour[~is_train])
        | {
            "bin_start": [moment(h) for h in hour.tolist()],
            "rate_pct": [stored(v) for v in y.tolist()],
            "prediction_pct": [stored(v) for v in learned.ridge.tolist()],
        }
    )


def learn_trends(rows: pa.Table) -> pa.Table:
    """One row a station and range of `int_trend_row`: figures, and lists of what was predicted."""
    keys = ("station_id", "range_start", "conf_number")
    ordered = rows.sort_by([("station_id", "ascending"), ("range_start", "ascending"), ("bin_start", "ascending")])
    names = [*keys, "full_until"]
    owners = list(zip(*(ordered[name].to_pylist() for name in names), strict=True))
    borders = [k for k in range(len(owners)) if k == 0 or owners[k] != owners[k - 1]]
    found = []
    for first, last in pairwise([*borders, len(owners)]):
        part = ordered.slice(first, last - first)
        station_id, range_start, conf_number, full_until = owners[first]
        air = {name: _column(part, name) for name in sorted({n for names in METHODS.values() for n in names})}
        end = int(np.datetime64(full_until, "h").astype(np.int64))
        hour = part["bin_start"].cast(pa.timestamp("s")).cast(pa.int64()).to_numpy() // 3600
        key = {"station_id": station_id, "range_start": range_start, "conf_number": conf_number}
        found.append(key | run(hour, _column(part, "rate_eff_hz"), air, end))
    return pa.Table.from_pylist(found, schema=TREND_SCHEMA)


def stored(value: float) -> float | None:
    """A finite value to 9 digits: matrix products may differ in the last ones between machines and threads."""
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def moment(hour: int) -> datetime:
    """An hour since 1970 as a naive UTC datetime."""
    return datetime(1970, 1, 1) + timedelta(hours=hour)


def _column(rows: pa.Table, name: str) -> Array:
    """A column as float64, NaN where it is NULL."""
    return np.asarray(rows[name].to_numpy(zero_copy_only=False), dtype=np.float64)


def _rms(residual: Array) -> float:
    return float(np.sqrt(np.mean(residual**2)))


def _correlation(a: Array, b: Array) -> float:
    """Pearson's r; NaN where one does not vary."""
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else float("nan")
