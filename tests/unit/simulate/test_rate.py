"""The event rate follows pressure, temperature and primary variation with the given coefficients."""

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest

from simulate.config import NetworkConfig, StationConfig, demo_network
from simulate.environment import (
    LEVELS_HPA,
    daily,
    make_primary,
    make_weather,
    mass_average_k,
    scaled,
    unix_start,
    without_trend_on,
)
from simulate.file import base_name
from simulate.rate import event_times, file_spans, rate_factor, self_trigger_times

STATION = StationConfig(1, rate_hz=4.0, beta_pct_per_hpa=-0.2, pressure_sigma_hpa=10.0, outages=((30.0, 41.5),))
CONFIG = NetworkConfig((STATION,), datetime(2025, 1, 1), days=20, seed=3)


def hour_counts(config: NetworkConfig) -> tuple[np.ndarray, np.ndarray]:
    """Events of each hour, and the hours' live share."""
    station = config.stations[0]
    weather = make_weather(config, station)
    begin = unix_start(config)
    n_hours = round(config.days * 24)
    counts, live = np.zeros(n_hours), np.zeros(n_hours)
    for k, span in enumerate(file_spans(config, station)):
        times = event_times(np.random.default_rng([9, k]), station, weather, span)
        assert np.all(np.diff(times) >= 0)
        assert times.min() >= span.begin_s
        assert times.max() < span.end_s
        counts += np.bincount(((times - begin) // 3600).astype(int), minlength=n_hours)
        hours = begin + 3600 * np.arange(n_hours)
        live += np.clip(np.minimum(hours + 3600, span.end_s) - np.maximum(hours, span.begin_s), 0, 3600) / 3600
    return counts, live


def test_counts_follow_the_factor_and_stop_in_an_outage() -> None:
    counts, live = hour_counts(CONFIG)
    weather = make_weather(CONFIG, STATION)
    factor = rate_factor(STATION, weather)
    hourly = ((factor[1:] + factor[:-1]) / 2).reshape(-1, 6).mean(axis=1)
    assert counts[30:41].sum() == 0
    assert live.sum() == pytest.approx(20 * 24 - 11.5)
    full = live == 1
    expected = STATION.rate_hz * 3600 * hourly[full]
    pulls = (counts[full] - expected) / np.sqrt(expected)
    assert abs(pulls.mean()) < 4 / np.sqrt(full.sum())
    assert 0.9 < pulls.std() < 1.1
    slope = np.polyfit(np.log(hourly[full]), np.log(counts[full]), 1, w=np.sqrt(expected))[0]
    sigma = 1 / np.sqrt((expected * scaled(np.log(hourly[full]), np.log(hourly[full]).std()) ** 2).sum())
    assert abs(slope - 1) < 4 * sigma


def test_a_fit_on_pressure_alone_recovers_beta() -> None:
    """Temperature and primary variation are orthogonal to pressure, so that they do not disturb the fit."""
    config = replace(CONFIG, stations=(replace(STATION, outages=()),))
    counts, _ = hour_counts(config)
    pressure = make_weather(config, config.stations[0]).pressure_hpa
    x = ((pressure[1:] + pressure[:-1]) / 2).reshape(-1, 6).mean(axis=1)
    beta = 100 * np.polyfit(x, np.log(counts), 1)[0]
    assert abs(beta - STATION.beta_pct_per_hpa) < 4 * 100 / np.sqrt(counts.sum()) / x.std()


def test_each_coefficient_acts_alone() -> None:
    weather = make_weather(CONFIG, STATION)
    zero = replace(STATION, beta_pct_per_hpa=0.0, alpha_pct_per_k=0.0, gamma_pct_per_pct=0.0)
    assert np.all(rate_factor(zero, weather) == 1)
    for name, series in (
        ("beta_pct_per_hpa", weather.pressure_hpa - STATION.reference_pressure_hpa),
        ("alpha_pct_per_k", weather.temp_mass_k - weather.temp_mass_ref_k),
        ("gamma_pct_per_pct", weather.primary_pct),
    ):
        factor = rate_factor(replace(zero, **{name: 0.7}), weather)
        assert 100 * np.log(factor) == pytest.approx(0.7 * series, abs=1e-9)


def test_files_follow_one_another() -> None:
    spans = file_spans(replace(CONFIG, file_hours=10.0), STATION)
    begin = unix_start(CONFIG)
    hours = [((span.begin_s - begin) / 3600, (span.end_s - begin) / 3600) for span in spans]
    assert hours[:5] == [(0, 10), (10, 20), (20, 30), (41.5, 51.5), (51.5, 61.5)]
    assert hours[-1][1] == 480
    assert all(low <= high for (_, low), (high, _) in pairwise(hours))


def test_self_triggers_come_in_their_block() -> None:
    station = replace(STATION, outages=())
    spans = file_spans(CONFIG, station)
    times = np.concatenate(
        [self_trigger_times(np.random.default_rng(k), station, span) for k, span in enumerate(spans)]
    )
    second_of_day = times % 86_400
    assert second_of_day.min() >= 4 * 3600
    assert second_of_day.max() < 4 * 3600 + 300
    assert len(times) == pytest.approx(20 * 300 * station.self_trigger_hz, rel=0.05)


def test_mass_average_of_a_linear_profile() -> None:
    profile = (210 + 0.08 * LEVELS_HPA)[None, :]
    assert mass_average_k(profile, np.array([210 + 0.08 * 940]), 940.0)[0] == pytest.approx(247.60004, abs=1e-5)


def test_weather_has_the_spread_it_was_given_and_is_decorrelated() -> None:
    weather = make_weather(CONFIG, STATION)
    assert weather.pressure_hpa.std() == pytest.approx(10.0, rel=0.02)
    assert weather.temp_mass_k.std() < 1.0
    for series in (weather.temp_mass_k, weather.primary_pct):
        assert abs(np.corrcoef(series, weather.pressure_hpa)[0, 1]) < 0.02
    assert np.abs(np.diff(weather.pressure_hpa)).max() < 1.5


def test_weather_of_a_station_does_not_depend_on_the_others() -> None:
    alone, together = demo_network(days=3, stations=(2,)), demo_network(days=3, stations=(1, 2))
    first = make_weather(alone, alone.stations[0])
    second = make_weather(together, together.stations[1])
    assert np.array_equal(first.pressure_hpa, second.pressure_hpa)
    assert np.array_equal(first.temp_mass_k, second.temp_mass_k)


def test_forbush_decrease() -> None:
    quiet = make_primary(CONFIG)
    disturbed = make_primary(replace(CONFIG, forbush=(48.0, 5.0)))
    drop = disturbed - quiet
    assert np.all(drop[: 48 * 6] == 0)
    assert drop.min() == pytest.approx(-5.0, abs=0.01)
    assert -1.0 < drop[-1] < 0


def test_helpers() -> None:
    assert scaled(np.ones(5), 3.0).tolist() == [0.0] * 5
    x = np.arange(10.0)
    assert without_trend_on(3 * x + 1, x) == pytest.approx(np.full(10, 14.5))
    assert daily(np.array([15 * 3600.0]), 15.0)[0] == pytest.approx(1.0)
    assert base_name(1, datetime(2024, 3, 14, 1, 36, 48)) == "mi0124074013648"
