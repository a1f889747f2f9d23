"""Coefficients of months, rolling windows and neutron monitors, and what the settings of the fit do."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.integration.corrections_input import TELESCOPE_HZ, Array, column, query, run_dbt, write_seeds
from tests.integration.pressure_closure import (
    FITTED_MODELS,
    LEFT_OUT,
    Hours,
    closure,
    expected_counts,
    write_bins,
    write_monitor,
)

NOISY, CONSTANT, SHORT = 1, 2, 3
CHANGE_HOUR = 1000
NOT_READ = ("int_rate_reference+", "fct_temperature_coefficient+", "fct_efficiency+")
FITS = ("int_pressure_rolling", "int_pressure_status", "fct_pressure_coefficient", "int_rate_pressure")
MONITOR_BETA = -0.0074
WORDS = (
    "beta_pct_per_hpa, beta_sigma_stat_pct_per_hpa, beta_sigma_pct_per_hpa, r2, chi2_ndf, n_rows, n_clusters,"
    " pressure_span_hpa, rate_at_p_ref_hz"
)


def _stations() -> list[Hours]:
    """Three months with counting and red noise and a change of configuration; a constant pressure; twelve days."""
    noisy = closure(NOISY, 2160)
    rng = np.random.default_rng(5)
    red = np.convolve(rng.normal(0, 0.006, 2160 + 47), np.ones(48) / np.sqrt(48), "valid")
    noisy.counts = {pattern: rng.poisson(count * (1 + red)) * 1.0 for pattern, count in noisy.counts.items()}
    noisy.conf_number = np.where(noisy.hour < CHANGE_HOUR, 1.0, 2.0)
    constant = closure(CONSTANT)
    constant.pressure_hpa = np.full(288, 941.5)
    constant.counts = expected_counts(np.full(288, TELESCOPE_HZ), constant.live_s)
    return [noisy, constant, closure(SHORT)]


def _write_monitors(data_dir: Path) -> None:
    """OULU in hours with gaps and in two hours without; MXCO without a pressure."""
    hour = np.arange(2160)
    start = np.datetime64("2025-01-01T00") + hour * np.timedelta64(1, "h")
    pressure = 1004 + 9 * np.sin(2 * np.pi * hour / 131) + 4 * np.sin(2 * np.pi * hour / 37)
    rate = 105 * np.exp(MONITOR_BETA * (pressure - 1000))
    rate[700], pressure[701], rate[1203] = np.nan, np.nan, 1.5 * rate[1203]
    whole = (hour < 1440) | (hour >= 1680)
    write_monitor(data_dir, "OULU", start[whole], 3600, uncorrected=rate[whole], pressure_mbar=pressure[whole])
    write_monitor(data_dir, "OULU", start[::2], 7200, uncorrected=rate[::2], pressure_mbar=pressure[::2])
    write_monitor(data_dir, "MXCO", start, 3600, uncorrected=rate)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("scopes")
    write_seeds(data_dir, [NOISY, CONSTANT, SHORT])
    write_bins(data_dir, _stations())
    _write_monitors(data_dir)
    result = run_dbt(data_dir, "run", "--select", *FITTED_MODELS, "--exclude", *LEFT_OUT, *NOT_READ)
    assert result.error is None, result.error
    return data_dir


@pytest.fixture(scope="module")
def by_month(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same fits with other settings."""
    data_dir = tmp_path_factory.mktemp("by_month")
    shutil.copy(built / "build.duckdb", data_dir)
    variables = {
        "pressure_applied_scope": "month",
        "pressure_min_span_hpa": 0,
        "pressure_max_sigma_pct_per_hpa": 0.0057,
        "pressure_rolling_half_width_days": [5],
        "pressure_rolling_groups": ["all", "vert"],
    }
    result = run_dbt(data_dir, "run", "--select", *FITS, variables=variables)
    assert result.error is None, result.error
    return data_dir


def _fit_by_numpy(x: Array, y: Array, w: Array, block: Array, cluster: Array) -> tuple[float, ...]:
    """What a row of the table says, straight from the rows: the definitions, written once more."""
    xc, yc = x.copy(), y.copy()
    for one in np.unique(block):
        of_block = block == one
        xc[of_block] -= np.average(x[of_block], weights=w[of_block])
        yc[of_block] -= np.average(y[of_block], weights=w[of_block])
    sxx = np.sum(w * xc**2)
    slope = np.sum(w * xc * yc) / sxx
    residual = yc - slope * xc
    chi2_ndf = np.sum(w * residual**2) / (x.size - np.unique(block).size - 1)
    u = np.array([np.sum((w * xc * residual)[cluster == one]) for one in np.unique(cluster)])
    stat = 1 / np.sqrt(sxx)
    by_cluster = np.sqrt(np.sum(u**2) * u.size / (u.size - 1)) / sxx if u.size >= 6 else 0
    sigma = max(stat * np.sqrt(max(1, chi2_ndf)), by_cluster)
    r2 = np.sum(w * xc * yc) ** 2 / (sxx * np.sum(w * yc**2))
    span = np.quantile(x, 0.95) - np.quantile(x, 0.05)
    rate = np.exp(np.average(y - slope * x, weights=w))
    return 100 * slope, 100 * stat, 100 * sigma, r2, chi2_ndf, x.size, u.size, span, rate


def _rows(data_dir: Path, target: str, conf_number: float | None, start: object, end: object) -> tuple[Array, ...]:
    """x, y, w, month and number of the five days of the rows of a fit."""
    rows = query(
        data_dir,
        "select x, y, w, epoch(date_trunc('month', bin_start)), floor(epoch(bin_start) / 432000)"
        " from int_pressure_row as r join int_pressure_range as s using (target_code, series_start)"
        f" where s.scope = 'config' and y is not null and target_code = '{target}' and r.group_code = 'all'"
        f" and conf_number is not distinct from {conf_number or 'null'}"
        f" and bin_start >= timestamp '{start}' and bin_start < timestamp '{end}'",
    )
    return tuple(np.array(rows, dtype=np.float64).T)


@pytest.mark.parametrize("target", ["MINGO01", "OULU"])
def test_rolling_sums_equal_the_regression_of_the_window(built: Path, target: str) -> None:
    fits = query(
        built,
        f"select conf_number, range_start, range_end, {WORDS}, half_width_days from fct_pressure_coefficient"
        f" where coefficient_id like '{target}-all-rolling-%' order by half_width_days, range_start",
    )
    assert {fit[-1] for fit in fits} == {14, 28, 56, 91, 182}
    assert len(fits) == 5 * 90
    for conf_number, start, end, *found, half_width in fits[::17]:
        assert (end - start).days == 2 * half_width  # type: ignore[operator]
        x, y, w, _, cluster = _rows(built, target, conf_number, start, end)  # type: ignore[arg-type]
        expected = _fit_by_numpy(x, y, w, np.zeros(x.size), cluster)
        assert found[0] == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(np.array(found, dtype=np.float64), expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("target", ["MINGO01", "OULU"])
def test_months_and_configurations_equal_the_regression_in_blocks(built: Path, target: str) -> None:
    fits = query(
        built,
        f"select conf_number, range_start, fit_until, {WORDS}, scope from fct_pressure_coefficient"
        f" where split_part(coefficient_id, '-', 1) = '{target}' and group_code = 'all' and scope != 'rolling'",
    )
    scopes = [fit[-1] for fit in fits]
    assert (scopes.count("config"), scopes.count("month")) == ((2, 4) if target == "MINGO01" else (1, 3))
    for conf_number, start, until, *found, _ in fits:
        expected = _fit_by_numpy(*_rows(built, target, conf_number, start, until))  # type: ignore[arg-type]
        np.testing.assert_allclose(np.array(found, dtype=np.float64), expected, rtol=1e-7, atol=1e-8)


def test_correlated_residuals_make_the_larger_error(built: Path) -> None:
    rows = query(
        built,
        "select beta_sigma_pct_per_hpa / beta_sigma_stat_pct_per_hpa, chi2_ndf, residual_lag1"
        f" from fct_pressure_coefficient where station_id = {NOISY} and group_code = 'all' and scope = 'config'",
    )
    for ratio, chi2_ndf, lag1 in rows:
        assert ratio > 1.2 * np.sqrt(max(1, chi2_ndf))  # type: ignore[call-overload]
        assert lag1 > 0.3  # type: ignore[operator]


def test_a_window_does_not_mix_configurations(built: Path) -> None:
    change = "timestamp '2025-01-01' + to_hours(1000)"
    rows = query(
        built,
        f"select conf_number, range_start + (range_end - range_start) / 2 < {change}, count(*),"
        " max(n_rows + n_excluded_rows)"
        f" from fct_pressure_coefficient where station_id = {NOISY} and scope = 'rolling' group by all order by 1",
    )
    assert rows == [(1.0, True, 5 * 42, 1000), (2.0, False, 5 * 48, 1160)]


def test_a_monitor_is_fitted_like_a_station(built: Path) -> None:
    words = (
        "station_id, nm_code, group_code, conf_number, reference_pressure_hpa, is_applied, applied_source, fit_status,"
        " n_excluded_rows, n_blocks"
    )
    rows = query(built, f"select {words} from fct_pressure_coefficient where target_kind = 'nm' and scope = 'config'")
    assert rows == [(None, "OULU", "all", None, 1000.0, False, None, "ok", 3, 3)]
    ((beta, rate, n_rows),) = query(
        built,
        "select beta_pct_per_hpa, rate_at_p_ref_hz, n_rows from fct_pressure_coefficient"
        " where coefficient_id = 'OULU-all-config-20250101T0000'",
    )
    assert beta == pytest.approx(100 * MONITOR_BETA, rel=1e-9)
    assert rate == pytest.approx(105, rel=1e-9)
    # ten days in intervals of two hours, the others in hours
    assert n_rows == 2160 - 120 - 3


def test_what_a_monitor_interval_is_left_out_for(built: Path) -> None:
    reasons = query(
        built,
        "select fit_exclusion_reason, epoch(interval_start - timestamp '2025-01-01') / 3600"
        " from int_pressure_monitor_row where fit_exclusion_reason is not null order by 2",
    )
    assert reasons == [("no_rate", 700.0), ("missing_pressure", 701.0), ("outlier", 1203.0)]
    ((error,),) = query(
        built, "select max(abs(rate_sigma_hz / sqrt(rate_hz / resolution_s) - 1)) from int_pressure_monitor_row"
    )
    assert error == pytest.approx(0, abs=1e-12)


def test_every_month_has_its_own_coefficient_where_that_is_set(by_month: Path) -> None:
    assert query(by_month, "select distinct scope from fct_pressure_coefficient where is_applied") == [("month",)]
    assert not query(
        by_month,
        "select station_id, range_start, group_code from fct_pressure_coefficient where scope = 'month'"
        " and target_kind = 'station' group by all having count(*) filter (where is_applied) != 1",
    )
    worst = column(
        by_month,
        "select max(abs(ln(r.pressure_factor) + c.applied_beta_pct_per_hpa / 100 * r.pressure_delta_hpa))"
        " from int_rate_pressure as r join fct_pressure_coefficient as c using (station_id, group_code, conf_number)"
        " where c.scope = 'month' and r.bin_start >= c.range_start and r.bin_start < c.range_end"
        f" and r.pressure_status = 'ok' and station_id = {NOISY}",
    )
    assert worst[0] < 1e-12
    ((n_different,),) = query(
        by_month,
        "select count(distinct applied_beta_pct_per_hpa) from int_rate_pressure"
        f" where station_id = {NOISY} and group_code = 'all'",
    )
    assert n_different == 4


def test_a_constant_pressure_cannot_be_fitted_at_all(built: Path, by_month: Path) -> None:
    sql = (
        "select fit_status, beta_pct_per_hpa, beta_sigma_pct_per_hpa from fct_pressure_coefficient"
        f" where station_id = {CONSTANT} and group_code = 'all' and scope = 'month'"
    )
    assert query(built, sql) == [("insufficient_span", None, None)]
    assert query(by_month, sql) == [("fit_failed", None, None)]


def test_a_group_that_is_not_known_well_takes_the_fit_of_all(by_month: Path) -> None:
    sql = (
        "select fit_status, applied_source from fct_pressure_coefficient"
        f" where station_id = {SHORT} and scope = 'month' and group_code ="
    )
    assert query(by_month, f"{sql} 'all'") == [("ok", "fit")]
    assert query(by_month, f"{sql} 'vert'") == [("imprecise", "all")]


def test_rolling_groups_and_widths_are_those_of_the_settings(by_month: Path) -> None:
    sql = (
        "select distinct target_kind, group_code, half_width_days from fct_pressure_coefficient where scope = 'rolling'"
    )
    assert query(by_month, f"{sql} order by all") == [("nm", "all", 5), ("station", "all", 5), ("station", "vert", 5)]


def test_a_rerun_gives_the_same_bits(built: Path) -> None:
    tables = ("int_pressure_day", "int_pressure_fit", "int_pressure_rolling", "fct_pressure_coefficient")
    before = [query(built, f"select count(*), sum(hash(t)) from {name} as t") for name in tables]
    models = ("int_pressure_monitor_row", "int_pressure_day", *FITS)
    result = run_dbt(built, "run", "--select", *models, "int_pressure_fit")
    assert result.error is None, result.error
    assert [query(built, f"select count(*), sum(hash(t)) from {name} as t") for name in tables] == before
