"""Pressure, temperature and primary variation fitted together: the slope of one is not taken for that of another."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from warehouse.fit.failure import FIT_ERRORS
from warehouse.fit.histogram import number

JOINT_TYPES: dict[str, pa.DataType] = {
    "station_id": pa.int8(),
    "range_start": pa.timestamp("us"),
    "method": pa.string(),
    "beta_pct_per_hpa": pa.float64(),
    "beta_sigma_pct_per_hpa": pa.float64(),
    "alpha_pct_per_k": pa.float64(),
    "alpha_sigma_pct_per_k": pa.float64(),
    "mu_pct_per_km": pa.float64(),
    "mu_sigma_pct_per_km": pa.float64(),
    "gamma_pct_per_pct": pa.float64(),
    "gamma_sigma_pct_per_pct": pa.float64(),
    "cov_beta_alpha": pa.float64(),
    "cov_beta_mu": pa.float64(),
    "cov_alpha_mu": pa.float64(),
    "rate_at_ref_hz": pa.float64(),
    "r2": pa.float64(),
    "chi2_ndf": pa.float64(),
    "n_days": pa.int32(),
    "temp_span_k": pa.float64(),
    "height_span_km": pa.float64(),
    "condition_number": pa.float64(),
    "max_vif": pa.float64(),
    "has_primary": pa.bool_(),
    "primary_code": pa.string(),
}
JOINT_SCHEMA = pa.schema(JOINT_TYPES)

REGRESSORS = {
    "beta": ("pressure_delta_hpa", "pct_per_hpa"),
    "alpha": ("temp_delta_k", "pct_per_k"),
    "mu": ("height_delta_km", "pct_per_km"),
    "gamma": ("primary_pct", "pct_per_pct"),
}
"""Column of each coefficient's regressor, and the unit of the coefficient."""

METHODS = {"mass": ("beta", "alpha"), "effective": ("beta", "alpha"), "duperier": ("beta", "alpha", "mu")}
"""What each method fits, beside the primary variation."""

MIN_PRIMARY_SHARE = 0.8
MIN_CLUSTERS = 6
CLUSTER_S = 10 * 86_400

Array = NDArray[np.float64]


class JointFit(NamedTuple):
    """A fit of n rows on p regressors.

    ``slope`` (p,) in units of y per unit of x; ``covariance`` (p, p) is the one to use: the statistical one, scaled;
    ``vif`` (p,) are the variance inflation factors.
    """

    slope: Array
    covariance: Array
    intercept: float
    r2: float
    chi2_ndf: float
    condition_number: float
    vif: Array

    @property
    def sigma(self) -> Array:
        """1 sigma of the slopes, (p,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def fit_joint(y: Array, x: Array, w: Array, cluster: NDArray[np.int64]) -> JointFit:
    """Weighted least squares of y on all columns of x and a constant, by singular values of the standardised columns.

    Every column is taken from its weighted mean, in units of its weighted standard deviation; the condition number is
    the ratio of the largest to the smallest singular value of that matrix, and the variance inflation factor of a
    column the diagonal of its inverse correlation matrix. The variance of each slope is the larger of the statistical
    one times max(1, chi2/ndf) (Birge) and the one from sums over clusters of rows, whose residuals may be correlated
    (of at least 6 clusters G, with G/(G-1)); the correlation of the slopes is the statistical one.

    Parameters
    ----------
    y, x, w, cluster
        Shapes (n,), (n, p), (n,), (n,); w is one over the variance of y.

    Raises
    ------
    numpy.linalg.LinAlgError
        When there are not more rows than parameters, or a column does not vary.
    """
    n, p = x.shape
    if n < p + 2:
        raise np.linalg.LinAlgError(f"{n} rows do not determine {p} slopes")
    share = w / w.sum()
    x_mean, y_mean = share @ x, float(share @ y)
    centred, height = x - x_mean, y - y_mean
    spread = np.sqrt(share @ centred**2)
    if not (spread > 1e-12 * np.abs(x).max(axis=0)).all():
        raise np.linalg.LinAlgError("a regressor does not vary")
    u, s, vt = np.linalg.svd(np.sqrt(share)[:, None] * centred / spread, full_matrices=False)
    if s[-1] == 0:
        raise np.linalg.LinAlgError("a regressor is a multiple of another")
    inverse = vt.T / s
    slope = inverse @ (u.T @ (np.sqrt(share) * height)) / spread
    correlation = inverse @ inverse.T
    statistical = correlation / np.outer(spread, spread) / w.sum()

    residual = height - centred @ slope
    chi2_ndf = float(w @ residual**2) / (n - p - 1)
    variance = np.diag(statistical) * max(1.0, chi2_ndf)
    push = w[:, None] * centred * residual[:, None]
    _, number_of = np.unique(cluster, return_inverse=True)
    n_clusters = int(number_of.max()) + 1
    if n_clusters >= MIN_CLUSTERS:
        sums = np.zeros((n_clusters, p))
        np.add.at(sums, number_of, push)
        moved = sums @ statistical
        variance = np.maximum(variance, (moved**2).sum(axis=0) * n_clusters / (n_clusters - 1))
    scale = np.sqrt(variance / np.diag(statistical))
    total = float(share @ height**2)
    return JointFit(
        slope=slope,
        covariance=statistical * np.outer(scale, scale),
        intercept=y_mean - float(x_mean @ slope),
        r2=1.0 - float(share @ residual**2) / total if total > 0 else float("nan"),
        chi2_ndf=chi2_ndf,
        condition_number=float(s[0] / s[-1]),
        vif=np.diag(correlation),
    )


def fit_ranges(days: pa.Table) -> pa.Table:
    """Coefficients of every station, configuration range and method that has a day.

    Parameters
    ----------
    days
        Rows of `int_temperature_day`: daily means of y = ln r, its weight ``w``, and of the regressors.

    Returns
    -------
    One row a station, range and method. The primary variation is a regressor where it is known on 80 % of the days
    and varies; other days are then left out. Coefficients (%) are NULL where nothing can be fitted.
    """
    keys = ("station_id", "range_start", "method")
    rows = [
        dict(zip(keys, key, strict=True)) | _fitted(_of(days, dict(zip(keys, key, strict=True))), key[2])
        for key in sorted(set(zip(*(days[name].to_pylist() for name in keys), strict=True)))
    ]
    return pa.Table.from_pylist(rows, schema=JOINT_SCHEMA)


def _of(days: pa.Table, key: dict[str, Any]) -> pa.Table:
    keep = np.ones(days.num_rows, dtype=bool)
    for name, value in key.items():
        keep &= np.array([entry == value for entry in days[name].to_pylist()])
    return days.filter(pa.array(keep)).sort_by("day_start")


def _column(days: pa.Table, name: str) -> Array:
    """A column as float64, NaN where it is NULL."""
    return np.asarray(days[name].to_numpy(zero_copy_only=False), dtype=np.float64)


def _fitted(days: pa.Table, method: str) -> dict[str, Any]:
    primary = _column(days, "primary_pct")
    is_known = np.isfinite(primary)
    has_primary = bool(is_known.mean() >= MIN_PRIMARY_SHARE and np.ptp(primary[is_known]) > 0)
    used = days.filter(pa.array(is_known)) if has_primary else days
    row: dict[str, Any] = {
        "n_days": used.num_rows,
        "temp_span_k": _span(_column(used, "temp_delta_k")),
        "height_span_km": _span(_column(used, "height_delta_km")),
        "has_primary": has_primary,
    }
    if has_primary:
        row["primary_code"] = "+".join(sorted({str(code) for code in used["primary_code"].to_pylist()}))
    names = (*METHODS[method], "gamma") if has_primary else METHODS[method]
    x = np.stack([_column(used, REGRESSORS[name][0]) for name in names], axis=1)
    seconds = used["day_start"].cast(pa.timestamp("s")).cast(pa.int64()).to_numpy()
    try:
        fit = fit_joint(_column(used, "y"), x, _column(used, "w"), seconds // CLUSTER_S)
    except FIT_ERRORS:
        return row
    return row | _coefficients(fit, names)


def _span(values: Array) -> float | None:
    """95 % less 5 % quantile."""
    low, high = np.quantile(values, (0.05, 0.95))
    return number(high - low)


def _coefficients(fit: JointFit, names: tuple[str, ...]) -> dict[str, Any]:
    """A fit of ln r as a row in %."""
    row: dict[str, Any] = {
        "rate_at_ref_hz": number(np.exp(fit.intercept)),
        "r2": number(fit.r2),
        "chi2_ndf": number(fit.chi2_ndf),
        "condition_number": number(fit.condition_number),
        "max_vif": number(fit.vif.max()),
    }
    for k, name in enumerate(names):
        unit = REGRESSORS[name][1]
        row[f"{name}_{unit}"] = number(100 * fit.slope[k])
        row[f"{name}_sigma_{unit}"] = number(100 * fit.sigma[k])
        for j, other in enumerate(names[:k]):
            if f"cov_{other}_{name}" in JOINT_TYPES:
                row[f"cov_{other}_{name}"] = number(1e4 * fit.covariance[j, k])
    return row
