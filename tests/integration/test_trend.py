"""Monthly medians and their slope against a direct computation; the learned trend from hours to a verdict."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tests.integration.corrections_input import TELESCOPE_HZ, Array, query, run_dbt, write_seeds
from tests.integration.pressure_closure import REFERENCE_HPA, Hours, expected_counts, wave_pressure, write_bins

LAGGED, SHORT = 1, 2
SLOPE_PCT_PER_YEAR = -1.5
N_DAYS = 424
"""2025-01-01 to 2026-02-28."""
FIRST = (
    "int_station_reference",
    "int_bin_ratio",
    "int_bin_group",
    "int_configuration_range",
    "int_pressure_monitor_row",
    "fct_primary",
)
TABLES = ("fct_trend_month", "fct_trend_evaluation", "fct_trend_prediction")


def _station(station_id: int, n_days: int) -> Hours:
    """Rate with a slow drift, the pressure, and the temperature of the ground six hours before."""
    hour = np.arange(24 * n_days)
    rng = np.random.default_rng(station_id)
    pressure = wave_pressure(hour)
    day = 3 * np.cos(2 * np.pi * (hour - 14) / 24) + 4 * np.sin(2 * np.pi * hour / 200)
    effect = -0.20 * (pressure - REFERENCE_HPA) + 0.3 * np.roll(day, 6) + SLOPE_PCT_PER_YEAR * hour / 8766
    live = np.full(hour.size, 3600.0)
    counts = {
        pattern: rng.poisson(n).astype(np.float64)
        for pattern, n in expected_counts(TELESCOPE_HZ * np.exp(effect / 100), live).items()
    }
    air = {
        "temp_ground_k": 288 + day,
        "temp_mass_avg_k": 250 + 3 * np.sin(2 * np.pi * hour / 311),
    }
    return Hours(station_id, hour, pressure, live, counts, extra=air)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("trend")
    write_seeds(data_dir, [LAGGED, SHORT])
    write_bins(data_dir, [_station(LAGGED, N_DAYS), _station(SHORT, 130)])
    selected = [f"{name}+,+{table}" for name in FIRST for table in TABLES]
    result = run_dbt(data_dir, "run", "--select", *selected, variables={"trend_enabled": True})
    assert result.error is None, result.error
    return data_dir


def _theil_sen(day: Array, value: Array) -> tuple[float, float, float]:
    """Median of the slopes of all pairs (per year), and the slopes at the ranks of Sen's interval."""
    pairs = combinations(range(len(day)), 2)
    slopes = np.sort([(value[j] - value[i]) / (day[j] - day[i]) * 365.25 for i, j in pairs])
    n = len(day)
    width = 1.959964 * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low, high = int((slopes.size - width) / 2), int(np.ceil((slopes.size + width) / 2)) + 1
    return float(np.median(slopes)), float(slopes[max(low, 1) - 1]), float(slopes[min(high, slopes.size) - 1])


@pytest.mark.parametrize("group_code", ["all", "R0.0"])
def test_months_and_their_slope(built: Path, group_code: str) -> None:
    rows = query(
        built,
        "select epoch(month_start) / 86400, rate_norm_median_pct, rate_norm_mad_pct, n, n_months,"
        " theil_sen_pct_per_year, theil_sen_low_pct_per_year, theil_sen_high_pct_per_year from fct_trend_month"
        f" where station_id = {LAGGED} and group_code = '{group_code}' order by month_start",
    )
    day, median, mad, n, n_months, slope, low, high = np.array(rows, dtype=np.float64).T
    assert n.tolist() == [24 * d for d in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28)]
    assert set(n_months) == {14}
    hours = query(
        built,
        "select epoch(date_trunc('month', bin_start)) / 86400, rate_norm_pct from fct_rate"
        f" where station_id = {LAGGED} and group_code = '{group_code}'",
    )
    hour_day, normalised = np.array(hours, dtype=np.float64).T
    for k, d in enumerate(day):
        mine = normalised[hour_day == d]
        assert median[k] == pytest.approx(np.median(mine), abs=1e-9)
        assert mad[k] == pytest.approx(np.median(np.abs(mine - np.median(mine))), abs=1e-9)
    np.testing.assert_allclose(np.stack([slope, low, high])[:, [0, -1]].T, [_theil_sen(day, median)] * 2, rtol=1e-9)
    assert low[0] < SLOPE_PCT_PER_YEAR < high[0]


def test_every_group_has_months_and_short_ranges_no_slope(built: Path) -> None:
    rows = query(
        built,
        "select station_id, count(distinct group_code), count(*), count(theil_sen_pct_per_year)"
        " from fct_trend_month where n > 0 group by all order by 1",
    )
    assert [row[0] for row in rows] == [LAGGED, SHORT]
    assert rows[0][2] == rows[0][3]
    assert rows[1][3] == 0
    assert rows[0][1] == rows[1][1]


def test_learned_trend_is_judged(built: Path) -> None:
    rows = query(
        built,
        "select station_id, method, status, verdict, n_train_months, strftime(held_out_start, '%Y-%m-%d')"
        " from fct_trend_evaluation order by station_id",
    )
    assert rows == [
        (LAGGED, "mass", "ok", "better", 11, "2025-12-01"),
        (SHORT, "mass", "too_few_months", None, 1, "2025-02-01"),
    ]
    ((stated, *stated_rows),) = query(
        built, f"select rmse_ridge_pct, n_train, n_held_out from fct_trend_evaluation where station_id = {LAGGED}"
    )
    ((computed, *rows_found),) = query(
        built,
        "select sqrt(avg(pow(residual_pct, 2)) filter (where is_held_out)), count(*) filter (where not is_held_out),"
        " count(*) filter (where is_held_out and rate_eff_hz is not null)"
        " from fct_trend_prediction join fct_rate using (station_id, bin_start, bin_width_s) where group_code = 'all'",
    )
    assert stated == pytest.approx(computed, rel=1e-6)
    assert rows_found == stated_rows


def test_rerun_gives_the_same_and_off_gives_nothing(built: Path) -> None:
    names = ("fct_trend_evaluation", "fct_trend_prediction")
    before = {name: query(built, f"select * from {name} order by all") for name in names}
    rates = query(built, "select sum(hash(r)) from fct_rate as r")
    result = run_dbt(built, "run", "--select", "int_trend_row+", variables={"trend_enabled": True})
    assert result.error is None, result.error
    assert {name: query(built, f"select * from {name} order by all") for name in names} == before
    result = run_dbt(built, "run", "--select", "int_trend_row+")
    assert result.error is None, result.error
    assert [query(built, f"select count(*) from {name}") for name in names] == [[(0,)], [(0,)]]
    assert query(built, "select sum(hash(r)) from fct_rate as r") == rates
