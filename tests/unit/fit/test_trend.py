"""The learned trend finds what the air of the day before adds, and nothing where there is nothing."""

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from warehouse.fit.trend import TREND_SCHEMA, border, learn_trends, month_of, run
from warehouse.fit.trend_features import LAGS_H, features, lag_zero, lagged
from warehouse.fit.trend_ridge import PENALTIES, least_squares, ridge, skill

Array = NDArray[np.float64]

FIRST = int(np.datetime64("2024-01-01", "h").astype(np.int64))
LAST = int(np.datetime64("2025-03-01", "h").astype(np.int64))
HELD = int(np.datetime64("2024-12-01", "h").astype(np.int64))
N_SEEDS = 20
NOISE_PCT = 0.45
"""Counting error of an hour at 15 Hz."""


def _red(rng: np.random.Generator, n: int, hours: float, sigma: float) -> Array:
    """Noise correlated over some hours: a sum of neighbours' shocks that fade exponentially."""
    fade = np.exp(-np.arange(int(8 * hours)) / hours)
    shocks = rng.normal(size=n + fade.size - 1)
    return np.asarray(sigma * np.convolve(shocks, fade / np.sqrt((fade**2).sum()), "valid"))


def _air(rng: np.random.Generator) -> tuple[NDArray[np.int64], dict[str, Array]]:
    """Fourteen months of synoptic weather and season; the ground has a warm afternoon too."""
    hour = np.arange(FIRST, LAST)
    season = np.cos(2 * np.pi * (hour / 24 - 200) / 365.25)
    mass = 250 + 8 * season + _red(rng, hour.size, 60, 3)
    ground = 285 + 8 * season + _red(rng, hour.size, 40, 3) + 3 * np.cos(2 * np.pi * (hour - 14) / 24)
    missing = np.full(hour.size, np.nan)
    air = {"pressure_delta_hpa": _red(rng, hour.size, 50, 6), "temp_mass_avg_k": mass, "temp_ground_k": ground}
    return hour, air | {"temp_100hpa_k": missing, "height_100hpa_km": missing}


def _station(seed: int, kind: str) -> tuple[NDArray[np.int64], Array, dict[str, Array]]:
    rng = np.random.default_rng(seed)
    hour, air = _air(rng)
    effect = rng.normal(0, NOISE_PCT, hour.size)
    if kind != "noise":
        effect += -0.20 * air["pressure_delta_hpa"] - 0.25 * (air["temp_mass_avg_k"] - 250)
    if kind == "lagged":
        effect += 0.05 * (np.concatenate([air["temp_ground_k"][:6], air["temp_ground_k"][:-6]]) - 285)
    return hour, 15 * (1 + effect / 100), air


def _run(seed: int, kind: str) -> dict[str, Any]:
    return run(*_station(seed, kind), LAST)


@pytest.mark.parametrize("kind", ["noise", "linear"])
def test_nothing_is_never_called_better(kind: str) -> None:
    found = [_run(seed, kind) for seed in range(N_SEEDS)]
    assert [row["status"] for row in found] == ["ok"] * N_SEEDS
    assert [row["verdict"] for row in found] == ["no_better"] * N_SEEDS


def test_a_lagged_term_is_found() -> None:
    found = [_run(seed, "lagged") for seed in range(N_SEEDS)]
    assert sum(row["verdict"] == "better" for row in found) >= 12
    assert all(row["rmse_ridge_pct"] > 0.9 * NOISE_PCT for row in found)


def test_figures_follow_from_the_predictions() -> None:
    row = _run(3, "lagged")
    hour, rate, air = _station(3, "lagged")
    start = np.array(row["bin_start"], dtype="datetime64[h]").astype(np.int64)
    held = start >= HELD
    measured, predicted = np.array(row["rate_pct"]), np.array(row["prediction_pct"])
    np.testing.assert_array_equal(start, hour[24:])
    np.testing.assert_allclose(row["rate_mean_hz"], rate[24:][~held].mean(), rtol=1e-8)
    np.testing.assert_allclose(measured, 100 * (rate[24:] / row["rate_mean_hz"] - 1), atol=1e-6)
    rms = np.sqrt(np.mean((measured - predicted)[held] ** 2))
    assert row["rmse_ridge_pct"] == pytest.approx(rms, rel=1e-6)
    assert row["skill"] == pytest.approx(1 - (row["rmse_ridge_pct"] / row["rmse_joint_pct"]) ** 2, rel=1e-6)
    assert row["skill_low"] < row["skill"] < row["skill_high"]
    assert (row["n_train"], row["n_held_out"]) == (int((~held).sum()), int(held.sum()))
    assert row["held_out_start"] == datetime(2024, 12, 1)
    assert np.isclose(row["ridge_penalty"], PENALTIES, rtol=1e-8).sum() == 1
    left = (measured - predicted)[held]
    for name, quantity in (("pressure", "pressure_delta_hpa"), ("temperature", "temp_mass_avg_k")):
        expected = np.corrcoef(left, air[quantity][24:][held])[0, 1]
        assert row[f"residual_corr_{name}"] == pytest.approx(expected, abs=1e-7)
    joint = np.stack([np.ones(hour.size), air["pressure_delta_hpa"], air["temp_mass_avg_k"]], axis=1)[24:]
    slope, *_ = np.linalg.lstsq(joint[~held], measured[~held], rcond=None)
    assert row["rmse_joint_pct"] == pytest.approx(np.sqrt(np.mean((measured - joint @ slope)[held] ** 2)), rel=1e-6)


def test_held_out_months_are_never_seen() -> None:
    hour, rate, air = _station(5, "lagged")
    before = run(hour, rate, air, LAST)
    is_held = hour >= HELD
    other_rate = np.where(is_held, rate * 1.5 + np.sin(hour), rate)
    after = run(hour, other_rate, air, LAST)
    same = ("ridge_penalty", "rate_mean_hz", "prediction_pct", "n_train")
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert before["rmse_ridge_pct"] != after["rmse_ridge_pct"]
    other_air = {name: np.where(is_held, values + 3 * np.cos(hour), values) for name, values in air.items()}
    changed = run(hour, rate, other_air, LAST)
    n_train = before["n_train"]
    assert changed["ridge_penalty"] == before["ridge_penalty"]
    assert changed["prediction_pct"][:n_train] == before["prediction_pct"][:n_train]
    assert changed["prediction_pct"][n_train:] != before["prediction_pct"][n_train:]


def test_features_know_neither_the_rate_nor_the_future() -> None:
    hour, _, air = _station(1, "noise")
    values = np.stack([air["pressure_delta_hpa"], air["temp_ground_k"]], axis=1)[:200]
    later = values.copy()
    later[101:] += 7
    before, after = features(hour[:200], values), features(hour[:200], later)
    np.testing.assert_array_equal(before[:101], after[:101])
    assert (before[101] != after[101]).sum() == 4  # the hour itself and the mean of the day, of both quantities
    np.testing.assert_array_equal(before[:, lag_zero(2)], values)


@given(st.lists(st.one_of(st.floats(-1e3, 1e3), st.just(np.nan)), min_size=1, max_size=80))
def test_lags_are_those_of_the_hours_before(values: list[float]) -> None:
    found = lagged(np.array(values))
    assert found.shape == (len(values), len(LAGS_H) + 1)
    for t in range(len(values)):
        for column, lag in enumerate(LAGS_H):
            expected = values[t - lag] if t >= lag else np.nan
            np.testing.assert_equal(found[t, column], expected)
        day = [v for v in values[max(0, t - 23) : t + 1] if np.isfinite(v)]
        np.testing.assert_allclose(found[t, -1], np.mean(day) if len(day) >= 18 else np.nan, rtol=1e-12, atol=1e-9)


def test_a_missing_hour_is_unknown_air() -> None:
    hour = np.array([10, 11, 13, 14])
    found = features(hour, np.arange(4.0)[:, None])
    np.testing.assert_array_equal(found[:, 0], [0, 1, 2, 3])
    np.testing.assert_array_equal(found[:, 1], [np.nan, np.nan, 0, 1])


def test_held_out_part() -> None:
    assert border(np.arange(FIRST, LAST), LAST) == HELD
    long = np.arange(FIRST, FIRST + 40_000)
    assert border(long, FIRST + 40_000) == long[32_000]


def test_ridge_is_the_textbook_one() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(600, 4)) * [1, 5, 0.1, 100] + [0, 300, 2, -50]
    y = x @ [0.3, -0.02, 1, 0.001] + rng.normal(size=600)
    month = np.arange(600) // 100

    def solved(rows: NDArray[np.bool_], penalty: float) -> tuple[Array, float]:
        z = (x[rows] - x[rows].mean(axis=0)) / x[rows].std(axis=0)
        slope = np.linalg.solve(z.T @ z + penalty * np.eye(4), z.T @ (y[rows] - y[rows].mean())) / x[rows].std(axis=0)
        return slope, float(y[rows].mean() - x[rows].mean(axis=0) @ slope)

    def left_out(penalty: float) -> float:
        total = 0.0
        for m in range(6):
            slope, constant = solved(month != m, penalty)
            total += float(((y - x @ slope - constant)[month == m] ** 2).sum())
        return total

    law, penalty = ridge(x, y, month)
    assert penalty == min(PENALTIES, key=left_out)
    slope, constant = solved(month >= 0, penalty)
    np.testing.assert_allclose(law.slope, slope, rtol=1e-8)
    assert law.intercept == pytest.approx(constant, rel=1e-8)


def test_least_squares_and_fits_that_cannot_be_made() -> None:
    x = np.array([[1.0, 2.0], [2.0, 0.0], [3.0, 5.0], [4.0, 1.0]])
    law = least_squares(x, x @ [2.0, -1.0] + 7)
    np.testing.assert_allclose([*law.slope, law.intercept], [2, -1, 7], rtol=1e-12)
    with pytest.raises(np.linalg.LinAlgError, match="does not vary"):
        ridge(np.ones((4, 1)), np.arange(4.0), np.array([0, 0, 1, 1]))
    with pytest.raises(np.linalg.LinAlgError, match="single month"):
        ridge(x, x[:, 0], np.zeros(4, dtype=np.int64))
    with pytest.raises(np.linalg.LinAlgError, match="one month only"):
        ridge(np.array([[0.0], [0.0], [1.0], [2.0]]), np.arange(4.0), np.array([0, 0, 1, 1]))


def test_skill() -> None:
    rng = np.random.default_rng(2)
    other = rng.normal(size=2400)
    block = np.arange(2400) // 120
    half = skill(other / np.sqrt(2), other, block)
    np.testing.assert_allclose(half, [0.5, 0.5, 0.5], rtol=1e-12)
    assert np.isnan(skill(np.zeros(3), np.zeros(3), np.zeros(3, dtype=np.int64)).value)


def _table(hour: NDArray[np.int64], rate: Array, air: dict[str, Array], station_id: int) -> pa.Table:
    n = hour.size
    moments = hour.astype("datetime64[h]").astype("datetime64[us]")
    columns: dict[str, Any] = {
        "station_id": pa.array(np.full(n, station_id, dtype=np.int8)),
        "conf_number": np.full(n, 2.0),
        "range_start": np.full(n, moments[0]),
        "full_until": np.full(n, moments[-1].astype("datetime64[M]").astype("datetime64[us]")),
        "bin_start": moments,
        "rate_eff_hz": pa.array(rate, from_pandas=True),
    }
    return pa.table(columns | {name: pa.array(values, from_pandas=True) for name, values in air.items()})


def test_runs_are_told_apart_and_independent_of_the_order_of_rows() -> None:
    whole = _station(1, "lagged")
    short = (whole[0][:3000], whole[1][:3000], {name: values[:3000] for name, values in whole[2].items()})
    nothing = {name: np.full(3000, np.nan) for name in whole[2]}
    rows = pa.concat_tables(
        [
            _table(*whole, station_id=4),
            _table(*short, station_id=2),
            _table(short[0], short[1], nothing, station_id=1),
            _table(short[0], np.full(3000, np.nan), short[2], station_id=3),
        ]
    )
    found = learn_trends(rows)
    assert found.schema == TREND_SCHEMA
    assert found["station_id"].to_pylist() == [1, 2, 3, 4]
    assert found["status"].to_pylist() == ["missing_environment", "too_few_months", "insufficient_rows", "ok"]
    assert found["verdict"].null_count == 3
    # the last month of the hours is not over, so it is not there
    assert found["held_out_end"].to_pylist()[3] == datetime(2025, 2, 1)
    assert found.to_pylist()[3]["bin_start"][-1] == datetime(2025, 1, 31, 23)
    mixed = rows.take(np.random.default_rng(1).permutation(rows.num_rows))
    assert learn_trends(mixed).equals(found)
    assert learn_trends(rows.slice(0, 0)).equals(TREND_SCHEMA.empty_table())


def test_100_hpa_stands_in_for_a_missing_profile() -> None:
    hour, rate, air = _station(2, "linear")
    aloft = {"temp_100hpa_k": air["temp_mass_avg_k"] - 40, "height_100hpa_km": 15 + 0.01 * air["temp_ground_k"]}
    row = run(hour, rate, air | aloft | {"temp_mass_avg_k": np.full(hour.size, np.nan)}, LAST)
    assert (row["method"], row["status"], row["verdict"]) == ("duperier", "ok", "no_better")
    assert run(hour, rate, air | aloft, LAST)["method"] == "mass"


def test_months_are_those_of_the_calendar() -> None:
    assert (np.diff(month_of(np.arange(FIRST, LAST))) == 1).sum() == 13
