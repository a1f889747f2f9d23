"""The measures of the closure say what they claim, on series whose answer is known."""

import numpy as np
import pytest

from flows.closure import Closure, Rest, pull_row, pull_rows
from flows.closure_measure import Pull, RatedHours, block_slope, efficiency_slopes, forbush_shifts, half_day_wave
from flows.commands.closure import closure_outcome, methods_outcome
from flows.method_bench import CaseHours, MethodRow, mean_of_minutes, rate_bias_pct

N = 24 * 120


def _hours(**changes: object) -> RatedHours:
    hour = np.arange(N)
    one = np.ones(N)
    values = {
        "hour": hour,
        "month": hour // 720,
        "pressure_delta_hpa": 5 * np.sin(hour / 17.0),
        "rate_eff_hz": one,
        "rate_final_hz": one,
        "rate_without_eff_hz": one,
        "efficiency": 0.8 + 0.02 * np.sin(hour / 301.0),
        "kept_pct": 0 * one,
        "beta_sigma": 0.01,
    }
    return RatedHours(**(values | changes))  # type: ignore[arg-type]


def test_slope_within_blocks_ignores_steps_between_them() -> None:
    rng = np.random.default_rng(1)
    x, block = rng.standard_normal(600), np.arange(600) // 200
    slope, sigma = block_slope(x, 2 * x + 100 * block + 0.1 * rng.standard_normal(600), block, np.arange(600) // 10)
    assert slope == pytest.approx(2, abs=4 * sigma)
    assert sigma == pytest.approx(0.1 / np.sqrt(600), rel=0.3)


def test_cluster_error_covers_correlated_noise() -> None:
    rng = np.random.default_rng(2)
    pulls = []
    for _ in range(200):
        x, noise = (np.repeat(rng.standard_normal(40), 10) for _ in range(2))
        slope, sigma = block_slope(x, noise, np.zeros(400, dtype=np.int64), np.arange(400) // 10)
        pulls.append(slope / sigma)
    assert np.std(pulls) == pytest.approx(1, abs=0.2)


def test_flatness_tells_a_corrected_from_an_uncorrected_rate() -> None:
    rng = np.random.default_rng(3)
    noise = np.exp(0.004 * rng.standard_normal(N))
    hours = _hours()
    hours = _hours(rate_final_hz=noise, rate_without_eff_hz=noise * hours.efficiency)
    flat, flat_error, raw, raw_error = efficiency_slopes(hours)
    assert abs(flat) < 4 * flat_error
    assert raw == pytest.approx(1, abs=4 * raw_error)
    assert raw_error < 0.05


def test_half_day_wave_is_found_and_its_absence_too() -> None:
    rng = np.random.default_rng(4)
    hour = np.arange(N)
    noise = 0.004 * rng.standard_normal(N)
    slow = 0.02 * np.sin(hour / 40.0)
    wave = 0.002 * np.cos(2 * np.pi * (hour - 3) / 12)
    found, error = half_day_wave(_hours(), np.exp(noise + slow + wave))
    assert found == pytest.approx(0.2, abs=4 * error)
    assert error < 0.03
    absent, error = half_day_wave(_hours(), np.exp(noise + slow))
    assert absent < 3.5 * error


def test_shift_compares_the_same_configuration() -> None:
    pulls = [
        Pull("beta", 0, 1, 1.0, -0.21, -0.2, 0.01),
        Pull("beta", 0, 1, 2.0, -0.19, -0.2, 0.01),
        Pull("beta", 1, 1, 1.0, -0.20, -0.2, 0.01),
        Pull("beta", 1, 1, 2.0, -0.20, -0.2, 0.01),
        Pull("alpha", 0, 1, 1.0, -0.20, -0.2, 0.01),
    ]
    assert forbush_shifts(pulls, 0, 1) == pytest.approx([-1, 1])
    assert pulls[0].pull == pytest.approx(-1)


def test_bounds_hold_and_break() -> None:
    rng = np.random.default_rng(5)
    good = rng.standard_normal(400)
    assert pull_row("beta", "usual", good, is_bounded=True).is_held is True
    assert pull_row("beta", "usual", good + 0.6, is_bounded=True).is_held is False
    assert pull_row("beta", "usual", 1.6 * good, is_bounded=True).is_held is False
    assert pull_row("beta", "usual", 0.5 * good, is_bounded=True).is_held is False
    assert pull_row("beta", "noisy", 5 * good, is_bounded=False).is_held is None


def test_outcome_names_what_is_outside_its_bounds() -> None:
    pulls = [Pull("beta", 0, 1, float(k), -0.2 + 0.01 * x, -0.2, 0.01) for k, x in enumerate((-1.0, 0.1, 1.1))]
    result = Closure(1, 1.0, pulls, [0.1, -0.2], [Rest(0.1, 0.0, 0.3, 50.0, 1.0, 0.2, 1.0)])
    assert closure_outcome(result).state == "Completed"
    result.pulls += [Pull("alpha", 0, 1, float(k), 1.0 + k, 0.0, 0.1) for k in range(3)]
    outcome = closure_outcome(result)
    assert (outcome.state, outcome.exit_code) == ("Failed", 1)
    assert "alpha" in outcome.sentence
    assert [row.quantity for row in pull_rows(result)] == ["beta", "alpha"]


def test_mean_of_minutes_is_too_small_by_the_minutes_and_blind_to_live_time() -> None:
    hour = np.arange(288)
    pressure = 940 + 6 * np.sin(2 * np.pi * hour / 127.2) + 3 * np.sin(2 * np.pi * hour / 50.4 + 1)
    rate = 14.14 * np.exp(-0.002 * (pressure - 940))
    full = np.full(288, 3600.0)
    hours = CaseHours(pressure, 940.0, full, full / 60, rate, rate, np.full(288, 14.14))
    beta, sigma, corrected = mean_of_minutes(hours)
    assert beta == pytest.approx(-0.2, abs=1e-9)
    assert sigma == pytest.approx(424 / np.sqrt(288 * pressure.var()), rel=0.01)
    assert corrected.mean() == pytest.approx(0.236, abs=0.001)
    half = np.where((hour >= 120) & (hour < 168), 1800.0, 3600.0)
    beta, _, _ = mean_of_minutes(CaseHours(pressure, 940.0, half, half / 60, rate, rate, rate))
    assert beta > 2
    empty = np.where(hour == 7, np.nan, rate)
    assert np.isnan(mean_of_minutes(CaseHours(pressure, 940.0, full, full / 60, empty, empty, rate))[0])


def test_rate_bias_and_outcome_of_the_methods() -> None:
    assert rate_bias_pct(np.array([1.01, np.nan]), np.array([1.0, 1.0])) == pytest.approx(1.0)
    assert np.isnan(rate_bias_pct(np.array([np.nan]), np.array([1.0])))
    rows = [MethodRow("clean", "ours", -0.2, -0.21, 0.01, 0.0), MethodRow("clean", "other", -0.2, 1.0, 0.01, 9.0)]
    assert "1.0 of its own sigma" in methods_outcome(rows).sentence
