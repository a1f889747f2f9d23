"""The joint fit of pressure, temperature and primary variation: golden numbers, textbook formulas, closure."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from warehouse.fit.joint import fit_joint, fit_ranges

Array = NDArray[np.float64]

DAY = np.arange(365)
FIRST = np.datetime64("2025-01-01T00:00:00", "us")
SEASON = np.cos(2 * np.pi * (DAY - 200) / 365.25)
PRESSURE = (
    6 * np.sin(2 * np.pi * DAY / 9.7) + 3 * np.sin(2 * np.pi * DAY / 4.3 + 1) + 2 * np.cos(2 * np.pi * DAY / 365.25)
)
TEMPERATURE = 10 * SEASON + 2 * np.sin(2 * np.pi * DAY / 13)
PRIMARY = 0.5 * np.sin(2 * np.pi * DAY / 27) - np.where(DAY >= 150, 2 * np.exp(-(DAY - 150.0) / 8), 0)
HEIGHT = 0.30 * SEASON + 0.05 * np.sin(2 * np.pi * DAY / 11)
TEMPERATURE_100 = -2 * SEASON + 1.5 * np.sin(2 * np.pi * DAY / 17)

MASS = -0.20 * PRESSURE - 0.25 * TEMPERATURE + 0.3 * PRIMARY
DUPERIER = -0.20 * PRESSURE - 5.0 * HEIGHT + 0.1 * TEMPERATURE_100 + 0.3 * PRIMARY


def days(y: Array, temperature: Array, height: Array | None, method: str, **changed: Any) -> pa.Table:
    """Rows as those of `int_temperature_day`: one range of one station."""
    size = len(y)
    row = {
        "station_id": np.ones(size, dtype=np.int8),
        "range_start": np.full(size, FIRST),
        "method": [method] * size,
        "day_start": FIRST + np.arange(size) * np.timedelta64(1, "D"),
        "y": np.log(15) + y / 100,
        "w": np.ones(size),
        "pressure_delta_hpa": PRESSURE[:size],
        "temp_delta_k": temperature,
        "height_delta_km": [None] * size if height is None else height,
        "primary_pct": PRIMARY[:size],
        "primary_code": ["OULU"] * size,
    }
    return pa.table({name: pa.array(values, from_pandas=True) for name, values in (row | changed).items()})


def only(table: pa.Table) -> dict[str, Any]:
    (row,) = fit_ranges(table).to_pylist()
    return dict(row)


def test_mass_method_is_recovered() -> None:
    row = only(days(MASS, TEMPERATURE, None, "mass"))
    found = [row[name] for name in ("beta_pct_per_hpa", "alpha_pct_per_k", "gamma_pct_per_pct", "rate_at_ref_hz")]
    assert found == pytest.approx([-0.20, -0.25, 0.30, 15.0], abs=1e-10)
    assert (row["mu_pct_per_km"], row["cov_beta_mu"], row["cov_alpha_mu"]) == (None, None, None)
    assert row["condition_number"] == pytest.approx(1.3743, abs=6e-5)
    assert (row["n_days"], row["has_primary"], row["primary_code"]) == (365, True, "OULU")
    assert row["r2"] == pytest.approx(1)


def test_inflation_of_the_mass_method() -> None:
    x = np.stack([PRESSURE, TEMPERATURE, PRIMARY], axis=1)
    fit = fit_joint(MASS / 100, x, np.ones(365), DAY // 10)
    assert fit.vif == pytest.approx([1.086, 1.102, 1.020], abs=6e-4)


def test_pressure_alone_takes_the_season_for_its_own() -> None:
    alone = fit_joint(MASS / 100, PRESSURE[:, None], np.ones(365), DAY // 10)
    assert 100 * alone.slope[0] == pytest.approx(-0.0966, abs=6e-5)
    block = DAY // 30
    x, y = (v - np.array([v[block == b].mean() for b in block]) for v in (PRESSURE, MASS / 100))
    assert 100 * fit_joint(y, x[:, None], np.ones(365), DAY // 10).slope[0] == pytest.approx(-0.2006, abs=6e-5)


def test_duperier_method_is_recovered() -> None:
    row = only(days(DUPERIER, TEMPERATURE_100, HEIGHT, "duperier"))
    found = [row[name] for name in ("beta_pct_per_hpa", "mu_pct_per_km", "alpha_pct_per_k", "gamma_pct_per_pct")]
    assert found == pytest.approx([-0.20, -5.0, 0.1, 0.3], abs=1e-10)
    assert row["condition_number"] == pytest.approx(3.1241, abs=6e-5)
    assert row["height_span_km"] == pytest.approx(0.6248, abs=6e-5)


def test_regressors_that_say_the_same_are_noticed() -> None:
    collinear = -6.7 * HEIGHT + 0.01 * np.sin(2 * np.pi * DAY / 17)
    row = only(days(DUPERIER, collinear, HEIGHT, "duperier"))
    assert row["condition_number"] == pytest.approx(424.7, abs=0.06)
    assert row["max_vif"] > 10_000


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(30, 200), p=st.integers(1, 4))
def test_slopes_and_errors_are_those_of_the_textbook(seed: int, n: int, p: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + rng.normal(size=p) * 100
    w = rng.uniform(0.5, 2.0, n) * 1e4
    y = 1.0 + x @ rng.normal(size=p) + rng.normal(size=n) / np.sqrt(w)
    cluster = np.arange(n) // 10
    fit = fit_joint(y, x, w, cluster)

    design = np.column_stack([np.ones(n), x])
    root = np.sqrt(w)
    beta, *_ = np.linalg.lstsq(root[:, None] * design, root * y, rcond=None)
    tolerance = 1e-9 * float(np.abs(beta).max())
    np.testing.assert_allclose(np.append(fit.intercept, fit.slope), beta, rtol=1e-6, atol=tolerance)
    residual = y - design @ beta
    chi2_ndf = float(w @ residual**2) / (n - p - 1)
    assert fit.chi2_ndf == pytest.approx(chi2_ndf, rel=1e-6)
    assert fit.r2 == pytest.approx(1 - (w @ residual**2) / (w @ (y - np.average(y, weights=w)) ** 2), abs=1e-9)

    inverse = np.linalg.inv(design.T @ (w[:, None] * design))[1:, 1:]
    variance = np.diag(inverse) * max(1, chi2_ndf)
    groups = np.unique(cluster)
    if len(groups) >= 6:
        centred = x - np.average(x, axis=0, weights=w)
        u = np.array([(w * residual * centred.T)[:, cluster == g].sum(axis=1) for g in groups])
        sandwich = inverse @ (u.T @ u) @ inverse * len(groups) / (len(groups) - 1)
        variance = np.maximum(variance, np.diag(sandwich))
    np.testing.assert_allclose(fit.sigma**2, variance, rtol=1e-5)
    correlation = inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    np.testing.assert_allclose(fit.covariance / np.outer(fit.sigma, fit.sigma), correlation, atol=1e-5)
    weighted_correlation = np.linalg.inv(np.atleast_2d(np.cov(x.T, aweights=w)))
    inflation = np.diag(weighted_correlation) * np.diag(np.atleast_2d(np.cov(x.T, aweights=w)))
    np.testing.assert_allclose(fit.vif, inflation, rtol=1e-4)


def test_errors_describe_the_scatter() -> None:
    pulls = []
    for seed in range(200):
        noise = np.random.default_rng(seed).normal(scale=0.2, size=365)
        row = only(days(MASS + noise, TEMPERATURE, None, "mass", w=np.full(365, 1e4 / 0.2**2)))
        pulls.append(
            [
                (row["beta_pct_per_hpa"] + 0.20) / row["beta_sigma_pct_per_hpa"],
                (row["alpha_pct_per_k"] + 0.25) / row["alpha_sigma_pct_per_k"],
                (row["gamma_pct_per_pct"] - 0.30) / row["gamma_sigma_pct_per_pct"],
            ]
        )
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.3
    width = np.std(pulls, axis=0)
    assert width.min() > 0.7
    assert width.max() < 1.3


def test_errors_know_of_noise_that_lasts_for_days() -> None:
    rows = [
        only(days(MASS + _red(seed, 0.8), TEMPERATURE, None, "mass", w=np.full(365, 1e4 / 0.2**2)))
        for seed in range(100)
    ]
    for name, unit in (("alpha", "pct_per_k"), ("gamma", "pct_per_pct")):
        scatter = np.std([row[f"{name}_{unit}"] for row in rows])
        claimed = np.median([row[f"{name}_sigma_{unit}"] for row in rows])
        assert 0.7 < claimed / scatter < 1.2


def _red(seed: int, memory: float) -> Array:
    """Noise (%) of 0.2 % a day that remembers ``memory`` of the day before."""
    steps = np.random.default_rng(seed).normal(scale=0.2 * np.sqrt(1 - memory**2), size=365)
    noise = np.zeros(365)
    for k in range(1, 365):
        noise[k] = memory * noise[k - 1] + steps[k]
    return noise


def test_days_without_primary_variation_are_left_out() -> None:
    gap = np.where(DAY < 73, np.nan, PRIMARY)
    strange = MASS + np.where(DAY < 73, 5.0, 0.0)
    row = only(days(strange, TEMPERATURE, None, "mass", primary_pct=gap))
    assert (row["n_days"], row["has_primary"]) == (292, True)
    assert row["alpha_pct_per_k"] == pytest.approx(-0.25, abs=1e-10)


@pytest.mark.parametrize("primary", [np.where(DAY < 74, np.nan, PRIMARY), np.full(365, np.nan), np.full(365, 1.5)])
def test_a_primary_variation_that_is_mostly_unknown_is_no_regressor(primary: Array) -> None:
    row = only(days(MASS - 0.3 * PRIMARY, TEMPERATURE, None, "mass", primary_pct=primary))
    assert (row["n_days"], row["has_primary"], row["primary_code"]) == (365, False, None)
    assert (row["gamma_pct_per_pct"], row["gamma_sigma_pct_per_pct"]) == (None, None)
    assert row["alpha_pct_per_k"] == pytest.approx(-0.25, abs=1e-10)


def test_what_determines_nothing_gives_no_number() -> None:
    flat = only(days(MASS, np.full(365, 3.0), None, "mass"))
    assert (flat["alpha_pct_per_k"], flat["condition_number"], flat["n_days"]) == (None, None, 365)
    few = only(days(MASS[:4], TEMPERATURE[:4], None, "mass"))
    assert (few["alpha_pct_per_k"], few["n_days"]) == (None, 4)


def test_every_range_and_method_is_fitted_for_itself() -> None:
    mass = days(MASS, TEMPERATURE, None, "mass")
    other = days(-MASS, TEMPERATURE, None, "mass", station_id=np.full(365, 2, dtype=np.int8))
    duperier = days(DUPERIER, TEMPERATURE_100, HEIGHT, "duperier")
    rows = fit_ranges(pa.concat_tables([other, duperier, mass], promote_options="permissive")).to_pylist()
    assert [(row["station_id"], row["method"]) for row in rows] == [(1, "duperier"), (1, "mass"), (2, "mass")]
    assert [row["beta_pct_per_hpa"] for row in rows] == pytest.approx([-0.2, -0.2, 0.2], abs=1e-10)
    assert fit_ranges(mass.slice(0, 0)).num_rows == 0
