"""The pressure correction finds a coefficient that is known, and says so when it cannot."""

from pathlib import Path

import numpy as np
import pytest

from tests.integration.corrections_input import TELESCOPE_HZ, Array, column, query, run_dbt, write_seeds
from tests.integration.pressure_closure import (
    FITTED_MODELS,
    LEFT_OUT,
    REFERENCE_HPA,
    Hours,
    closure,
    expected_counts,
    write_bins,
)

EXPECTED, ROUNDED, GAP, HALF_LIVE, DIP, DIP_EXCLUDED, NINETY_DAYS, SEASON = range(1, 9)
SHORT, FLAT, POSITIVE, CHANGED, NO_PRESSURE, SPARSE = range(9, 15)
POISSON = (20, 21, 22, 23)


def _select(hours: Hours, keep: Array) -> Hours:
    hours.hour, hours.pressure_hpa, hours.live_s = hours.hour[keep], hours.pressure_hpa[keep], hours.live_s[keep]
    hours.counts = {pattern: count[keep] for pattern, count in hours.counts.items()}
    return hours


def _scaled(hours: Hours, factor: Array) -> Hours:
    hours.counts = {pattern: count * factor for pattern, count in hours.counts.items()}
    return hours


def _season() -> Hours:
    hour = np.arange(8760)
    year = np.cos(2 * np.pi * hour / 8766)
    base = closure(SEASON, 8760)
    rate = TELESCOPE_HZ * np.exp(-0.002 * (base.pressure_hpa + 4 * year - REFERENCE_HPA)) * np.exp(0.015 * year)
    return Hours(SEASON, hour, base.pressure_hpa + 4 * year, base.live_s, expected_counts(rate, base.live_s))


def _stations() -> list[Hours]:
    rounded = closure(ROUNDED)
    rounded.counts = {pattern: np.rint(count) for pattern, count in rounded.counts.items()}
    half = closure(HALF_LIVE)
    share = np.where((half.hour >= 120) & (half.hour <= 167), 0.5, 1.0)
    half.live_s = half.live_s * share
    dip = np.where((np.arange(288) >= 150) & (np.arange(288) <= 209), 0.97, 1.0)
    hour = np.arange(288)
    flat = closure(FLAT)
    flat.pressure_hpa = REFERENCE_HPA + 2 * np.sin(2 * np.pi * hour / 24)
    short = closure(SHORT, 100)
    short.pressure_hpa = np.where(short.hour % 2 == 0, 950.0, 930.0)
    short.counts = expected_counts(np.full(100, TELESCOPE_HZ), short.live_s)
    changed = _select(closure(CHANGED), np.full(288, True))
    changed.conf_number = np.where(hour < 240, 1.0, 2.0)
    no_pressure = closure(NO_PRESSURE)
    no_pressure.pressure_hpa = np.full(288, np.nan)
    stations = [
        closure(EXPECTED),
        rounded,
        _select(closure(GAP), (hour < 83) | (hour > 87)),
        _scaled(half, share),
        _scaled(closure(DIP), dip),
        _scaled(closure(DIP_EXCLUDED, exclusion=(150, 210)), dip),
        closure(NINETY_DAYS, 2160),
        _season(),
        short,
        flat,
        closure(POSITIVE, beta=0.002),
        changed,
        no_pressure,
        _scaled(closure(SPARSE), np.full(288, 0.002)),
    ]
    for station_id in POISSON:
        noisy = closure(station_id)
        rng = np.random.default_rng(station_id)
        noisy.counts = {pattern: rng.poisson(count).astype(np.float64) for pattern, count in noisy.counts.items()}
        stations.append(noisy)
    return stations


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("closure")
    stations = _stations()
    write_seeds(data_dir, [hours.station_id for hours in stations])
    write_bins(data_dir, stations)
    result = run_dbt(data_dir, "run", "--select", *FITTED_MODELS, "--exclude", *LEFT_OUT)
    assert result.error is None, result.error
    return data_dir


def _coefficient(data_dir: Path, station_id: int, words: str, group: str = "all") -> list[tuple[object, ...]]:
    return query(
        data_dir,
        f"select {words} from fct_pressure_coefficient where station_id = {station_id} and scope = 'config'"
        f" and group_code = '{group}' order by range_start",
    )


@pytest.mark.parametrize(
    ("station_id", "beta", "sigma_stat", "rate"),
    [
        (EXPECTED, -0.200000, 0.005736, 15.00000),
        (ROUNDED, -0.200023, 0.005736, 14.99999),
        (GAP, -0.200000, 0.005898, 15.00000),
        (HALF_LIVE, -0.200000, 0.006107, 15.00000),
        (DIP, -0.262371, 0.005753, 14.911),
        (DIP_EXCLUDED, -0.200000, 0.006445, 15.00000),
        (NINETY_DAYS, -0.200000, 0.002040, 15.00000),
    ],
)
def test_known_coefficient_is_found(built: Path, station_id: int, beta: float, sigma_stat: float, rate: float) -> None:
    words = "beta_pct_per_hpa, beta_sigma_stat_pct_per_hpa, rate_at_p_ref_hz, fit_status, applied_source"
    ((found, sigma, rate_at_p_ref, status, source),) = _coefficient(built, station_id, words)
    assert found == pytest.approx(beta, abs=6e-7)
    assert sigma == pytest.approx(sigma_stat, abs=6e-7)
    assert rate_at_p_ref == pytest.approx(rate, abs=6e-4 if station_id == DIP else 6e-6)
    assert (status, source) == ("ok", "fit")


def test_first_row_and_span_are_those_of_the_reference(built: Path) -> None:
    first = query(
        built,
        "select pressure_lab_hpa, n_1234, n_123, n_234, n_124, n_134 from int_bin_count"
        f" join int_bin_environment using (station_id, bin_start, bin_width_s) where station_id = {EXPECTED}"
        " order by bin_start limit 1",
    )[0]
    assert first == pytest.approx((942.5244, 35124.820, 6198.498, 3054.332, 1848.675, 4789.748), abs=6e-4)
    ((span,),) = _coefficient(built, EXPECTED, "pressure_span_hpa")
    assert span == pytest.approx(14.979, abs=6e-4)


@pytest.mark.parametrize("station_id", POISSON)
def test_poisson_counts_agree_within_their_error(built: Path, station_id: int) -> None:
    ((beta, sigma, chi2_ndf),) = _coefficient(
        built, station_id, "beta_pct_per_hpa, beta_sigma_stat_pct_per_hpa, chi2_ndf"
    )
    assert abs(beta + 0.20) < 4 * sigma
    assert 0.8 < chi2_ndf < 1.2
    final = column(built, f"select rate_final_hz from fct_rate where station_id = {station_id} and group_code = 'all'")
    assert final.mean() == pytest.approx(15.0, abs=0.03)


def test_a_step_that_is_not_excluded_shows_in_chi_square(built: Path) -> None:
    ((chi2_ndf, sigma, stat),) = _coefficient(
        built, DIP, "chi2_ndf, beta_sigma_pct_per_hpa, beta_sigma_stat_pct_per_hpa"
    )
    assert chi2_ndf == pytest.approx(6.99, abs=0.006)
    assert sigma == pytest.approx(stat * np.sqrt(chi2_ndf), rel=1e-12)
    rates = query(
        built,
        f"select count(*), count(rate_final_hz), count(*) filter (where is_excluded) from fct_rate"
        f" where station_id = {DIP_EXCLUDED} and group_code = 'all'",
    )
    assert rates == [(288, 288, 60)]


def test_months_are_blocks_and_five_days_are_clusters(built: Path) -> None:
    assert _coefficient(built, NINETY_DAYS, "n_blocks, n_clusters, n_rows") == [(3, 19, 2160)]


def test_seasons_do_not_enter_the_slope(built: Path) -> None:
    ((beta,),) = _coefficient(built, SEASON, "beta_pct_per_hpa")
    assert beta == pytest.approx(-0.19670, abs=6e-6)
    x, y, w = (
        column(
            built,
            f"select {name} from int_pressure_row where target_code = 'MINGO{SEASON:02d}'"
            " and group_code = 'all' order by bin_start",
        )
        for name in "xyw"
    )
    x_centred, y_centred = x - np.average(x, weights=w), y - np.average(y, weights=w)
    one_block = 100 * np.sum(w * x_centred * y_centred) / np.sum(w * x_centred**2)
    assert one_block == pytest.approx(-0.10172, abs=6e-6)


def test_regression_equals_numpy(built: Path) -> None:
    rows = query(
        built,
        f"select x, y, w, bin_start from int_pressure_row"
        f" where target_code = 'MINGO{POISSON[0]:02d}' and group_code = 'all' and y is not null"
        " order by bin_start",
    )
    x, y, w = (np.array([row[k] for row in rows], dtype=np.float64) for k in range(3))
    xc, yc = x - np.average(x, weights=w), y - np.average(y, weights=w)
    slope = np.sum(w * xc * yc) / np.sum(w * xc * xc)
    residual = yc - slope * xc
    ((beta, chi2_ndf, r2, lag1),) = _coefficient(built, POISSON[0], "beta_pct_per_hpa, chi2_ndf, r2, residual_lag1")
    assert beta == pytest.approx(100 * slope, rel=1e-12)
    assert chi2_ndf == pytest.approx(np.sum(w * residual**2) / (x.size - 2), rel=1e-9)
    assert r2 == pytest.approx(np.corrcoef(np.sqrt(w) * xc, np.sqrt(w) * yc)[0, 1] ** 2, rel=1e-2)
    assert lag1 == pytest.approx(np.corrcoef(residual[1:], residual[:-1])[0, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("station_id", "status"),
    [
        (SHORT, "insufficient_rows"),
        (FLAT, "insufficient_span"),
        (POSITIVE, "out_of_bounds"),
        (NO_PRESSURE, "missing_pressure"),
        (SPARSE, "insufficient_positive_rows"),
    ],
)
def test_what_cannot_be_fitted_says_why_and_the_seed_is_applied(built: Path, station_id: int, status: str) -> None:
    words = "fit_status, applied_source, applied_beta_pct_per_hpa, applied_beta_sigma_pct_per_hpa"
    assert _coefficient(built, station_id, words) == [(status, "seed", -0.20, 0.05)]


def test_a_coefficient_is_carried_into_the_next_configuration(built: Path) -> None:
    first, second = _coefficient(built, CHANGED, "fit_status, applied_source, applied_beta_pct_per_hpa")
    assert first[:2] == ("ok", "fit")
    assert second == ("insufficient_rows", "carried", first[2])


def test_groups_fall_back_to_all_directions(built: Path) -> None:
    south = _coefficient(built, EXPECTED, "fit_status, applied_source, applied_beta_pct_per_hpa", group="south")
    ((applied,),) = _coefficient(built, EXPECTED, "applied_beta_pct_per_hpa")
    assert south == [("insufficient_positive_rows", "all", applied)]


def test_one_applied_row_for_every_range_and_group(built: Path) -> None:
    assert not query(
        built,
        "select station_id, conf_number, group_code from fct_pressure_coefficient where target_kind = 'station'"
        " group by all having count(*) filter (where is_applied) != 1",
    )


def test_application_and_error(built: Path) -> None:
    factors = query(
        built,
        "select distinct pressure_delta_hpa, round(pressure_factor, 6) from large_corrected_table"
        f" where station_id = {SHORT} order by 1",
    )
    assert factors == [(-10.0, 0.980199), (10.0, 1.020201)]
    rows = query(
        built,
        "select rate_eff_hz, rate_eff_sigma_hz, pressure_factor, pressure_delta_hpa, rate_final_hz, rate_final_sigma_hz"
        f" from large_corrected_table where station_id = {SHORT}",
    )
    rate, sigma, factor, delta, final, final_sigma = np.array(rows, dtype=np.float64).T
    assert rate == pytest.approx(15.0, rel=1e-9)
    assert sigma == pytest.approx(0.0675, abs=6e-5)
    np.testing.assert_allclose(final, rate * factor, rtol=1e-12)
    by_hand = np.sqrt((factor * sigma) ** 2 + (final * delta / 100 * 0.05) ** 2 + (final * 0.2 / 100 * 0.5) ** 2)
    np.testing.assert_allclose(final_sigma, by_hand, rtol=1e-12)


def test_missing_pressure_keeps_the_earlier_stages(built: Path) -> None:
    rows = query(
        built,
        "select distinct pressure_status, rate_eff_hz is null, rate_final_hz is null, rate_norm_pct is null"
        f" from fct_rate where station_id = {NO_PRESSURE} and group_code = 'all'",
    )
    assert rows == [("missing_pressure", False, True, True)]


def test_leaving_out_one_correction(built: Path) -> None:
    rows = query(
        built,
        "select r.rate_final_hz, r.rate_without_eff_hz, r.rate_without_pressure_hz, c.eff_telescope, c.pressure_factor,"
        " r.rate_without_temperature_hz"
        " from fct_rate r join large_corrected_table c using (station_id, bin_start, bin_width_s)"
        f" where r.station_id = {EXPECTED} and r.group_code = 'all'",
    )
    final, without_eff, without_pressure, efficiency, factor, without_temperature = np.array(rows, dtype=np.float64).T
    np.testing.assert_allclose(without_eff, final * efficiency, rtol=1e-12)
    np.testing.assert_allclose(without_pressure, final / factor, rtol=1e-12)
    np.testing.assert_array_equal(without_temperature, final)


def test_normalisation_takes_the_reference_interval_else_the_first_rotation(built: Path) -> None:
    status = dict(
        query(built, "select distinct station_id, reference_status from large_corrected_table order by 1")  # type: ignore[arg-type]
    )
    assert status[SEASON] == "ok"
    assert status[NINETY_DAYS] == "own"
    assert status[EXPECTED] == "none"
    mean = column(
        built,
        f"select avg(rate_norm_pct) from fct_rate where station_id = {SEASON} and group_code = 'all'"
        " and bin_start >= timestamp '2025-04-25' and bin_start < timestamp '2025-05-22'",
    )
    assert mean == pytest.approx(0.0, abs=1e-9)
    own = column(
        built,
        f"select avg(rate_norm_pct) from fct_rate where station_id = {NINETY_DAYS} and group_code = 'all'"
        " and bin_start < timestamp '2025-01-28'",
    )
    assert own == pytest.approx(0.0, abs=1e-9)
