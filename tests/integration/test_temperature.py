"""The joint fit finds known coefficients, and the temperature correction does what it says, or says why not."""

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tests.integration.corrections_input import TELESCOPE_HZ, Array, column, query, run_dbt, write_seeds
from tests.integration.pressure_closure import REFERENCE_HPA, Hours, expected_counts, wave_pressure, write_bins

MASS, NO_PROFILE, NO_ERA5 = 1, 2, 3
BETA, ALPHA, GAMMA, MU, ALPHA_100 = -0.20, -0.25, 0.30, -5.0, 0.10
NO_TEMPERATURE = slice(24 * 84, 24 * 86)
NO_PRESSURE = slice(3000, 3005)
FIRST = (
    "int_station_reference",
    "int_bin_ratio",
    "int_bin_group",
    "int_configuration_range",
    "int_pressure_monitor_row",
)
"""Models that read only what this test writes; built with all between them and the corrected rates."""


def _season(hour: Array) -> Array:
    return np.asarray(np.cos(2 * np.pi * (hour / 24 - 200) / 365.25))


def _primary(hour: Array) -> Array:
    """Primary variation (%): the rotation of the Sun, and a Forbush decrease."""
    day = hour / 24
    return np.asarray(0.5 * np.sin(2 * np.pi * day / 27) - np.where(day >= 150, 2 * np.exp(-(day - 150) / 8), 0))


def _station(station_id: int, n_days: int, effect_pct: Array, **air: Array) -> Hours:
    hour = np.arange(24 * n_days)
    pressure = wave_pressure(hour)
    rate = TELESCOPE_HZ * np.exp((BETA * (pressure - REFERENCE_HPA) + effect_pct) / 100)
    live = np.full(hour.size, 3600.0)
    return Hours(station_id, hour, pressure, live, expected_counts(rate, live), extra=air)


def _stations() -> list[Hours]:
    hour = np.arange(24.0 * 365)
    temperature = 250 + 10 * _season(hour) + 2 * np.sin(2 * np.pi * hour / 24 / 13) + np.sin(2 * np.pi * hour / 24)
    full = _station(MASS, 365, ALPHA * (temperature - 250) + GAMMA * _primary(hour), temp_mass_avg_k=temperature.copy())
    full.extra["temp_mass_avg_k"][NO_TEMPERATURE] = np.nan
    full.pressure_hpa[NO_PRESSURE] = np.nan
    some = hour[: 24 * 150]
    height = 15.6 + 0.30 * _season(some) + 0.05 * np.sin(2 * np.pi * some / 24 / 11)
    cold = 212 - 2 * _season(some) + 1.5 * np.sin(2 * np.pi * some / 24 / 17)
    effect = MU * (height - 15.6) + ALPHA_100 * (cold - 212)
    return [
        full,
        _station(NO_PROFILE, 150, effect, temp_100hpa_k=cold, height_100hpa_m=1000 * height),
        _station(NO_ERA5, 20, np.zeros(480)),
    ]


def _write_primary(data_dir: Path) -> None:
    """The primary variation of the first station; nobody watches the others."""
    hour = np.arange(24.0 * 365)
    start = np.datetime64("2025-01-01T00:00", "us") + hour.astype(np.int64) * np.timedelta64(1, "h")
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        connection.register("part", pa.table([pa.array(start), pa.array(_primary(hour))], ["bin_start", "primary_pct"]))
        connection.execute(
            f"create table int_station_primary as select {MASS}::tinyint as station_id, bin_start, 3600 as bin_width_s,"
            " primary_pct, 'CALM' as primary_code, false as is_primary_disturbed from part"
        )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As it is by default: the coefficients are fitted, the corrected rate is without them."""
    data_dir = tmp_path_factory.mktemp("temperature")
    write_seeds(data_dir, [MASS, NO_PROFILE, NO_ERA5])
    write_bins(data_dir, _stations())
    _write_primary(data_dir)
    models = [f"{name}+,+large_corrected_table" for name in FIRST]
    result = run_dbt(data_dir, "run", "--select", *models, "--exclude", "int_station_primary")
    assert result.error is None, result.error
    return data_dir


@pytest.fixture(scope="module")
def applied(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After an operator turned the correction on."""
    data_dir = tmp_path_factory.mktemp("temperature_applied")
    shutil.copy(measured / "build.duckdb", data_dir)
    result = run_dbt(
        data_dir,
        *("run", "--select", "int_rate_temperature", "int_rate_reference", "fct_rate", "large_corrected_table"),
        variables={"temperature_apply": True},
    )
    assert result.error is None, result.error
    return data_dir


def _rates(data_dir: Path, station_id: int, names: str, group: str = "all") -> list[Array]:
    """Columns of the rates of the hours whose temperature is known."""
    rows = query(
        data_dir,
        f"select {names} from fct_rate join large_corrected_table as c using (station_id, bin_start, bin_width_s)"
        f" where station_id = {station_id} and group_code = '{group}' and c.temperature_status = 'ok'"
        " order by bin_start",
    )
    return list(np.array(rows, dtype=np.float64).T)


def test_coefficients_are_found(measured: Path) -> None:
    ((*found, status, has_primary, code, n_days, is_applied, reference),) = query(
        measured,
        "select beta_pct_per_hpa, alpha_pct_per_k, gamma_pct_per_pct, fit_status, has_primary, primary_code, n_days,"
        f" is_applied, temp_ref_k from fct_temperature_coefficient where station_id = {MASS} and method = 'mass'",
    )
    assert found == pytest.approx([BETA, ALPHA, GAMMA], abs=1e-9)
    # two days without a temperature; the hours without a pressure leave their day enough others
    assert (status, has_primary, code, n_days, is_applied) == ("ok", True, "CALM", 363, True)
    median = column(measured, f"select median(temp_mass_avg_k) from int_bin_environment where station_id = {MASS}")
    assert reference == pytest.approx(median[0], rel=1e-12)
    ((*found, has_primary, is_applied),) = query(
        measured,
        "select beta_pct_per_hpa, mu_pct_per_km, alpha_pct_per_k, has_primary, is_applied"
        f" from fct_temperature_coefficient where station_id = {NO_PROFILE} and method = 'duperier'",
    )
    assert found == pytest.approx([BETA, MU, ALPHA_100], abs=1e-8)
    assert (has_primary, is_applied) == (False, True)


def test_what_cannot_be_fitted_says_why(measured: Path) -> None:
    words = query(measured, "select station_id, method, fit_status from fct_temperature_coefficient order by 1, 2")
    assert words == [
        (MASS, "duperier", "missing_environment"),
        (MASS, "mass", "ok"),
        (NO_PROFILE, "duperier", "ok"),
        (NO_PROFILE, "mass", "no_profile"),
        (NO_ERA5, "duperier", "missing_environment"),
        (NO_ERA5, "mass", "missing_environment"),
    ]
    sources = query(measured, "select distinct station_id, reference_source from int_temperature_reference order by 1")
    assert sources == [(MASS, "first_year"), (NO_PROFILE, "provisional")]


@pytest.mark.parametrize("station_id", [MASS, NO_PROFILE])
def test_the_temperature_is_gone_and_the_primary_variation_is_not(measured: Path, station_id: int) -> None:
    hour, corrected = _rates(
        measured, station_id, "date_diff('hour', timestamp '2025-01-01', bin_start), fct_rate.rate_eff_pt_hz"
    )
    primary = GAMMA * _primary(hour) if station_id == MASS else 0.0
    level = np.log(corrected) - primary / 100
    assert np.ptp(level) < 1e-9
    assert np.exp(level.mean()) == pytest.approx(TELESCOPE_HZ, rel=0.01)


def test_groups_have_the_factor_of_all_directions(measured: Path) -> None:
    eff, corrected, factor = _rates(
        measured, MASS, "fct_rate.rate_eff_hz, fct_rate.rate_eff_pt_hz, c.rate_eff_pt_hz / c.rate_eff_hz", group="R0.0"
    )
    np.testing.assert_allclose(corrected, eff * factor, rtol=1e-12)


def test_error_is_that_of_the_gradient(measured: Path) -> None:
    for station_id, method in ((MASS, "mass"), (NO_PROFILE, "duperier")):
        rate, sigma, found_sigma, found, pressure, temperature, height = _rates(
            measured,
            station_id,
            "c.rate_eff_hz, c.rate_eff_sigma_hz, c.rate_eff_pt_sigma_hz, c.rate_eff_pt_hz, c.pressure_delta_hpa,"
            " coalesce(c.temp_mass_avg_k, c.temp_100hpa_k), coalesce(c.height_100hpa_m / 1000, 0)",
        )
        fit = query(
            measured,
            "select beta_pct_per_hpa, beta_sigma_pct_per_hpa, alpha_sigma_pct_per_k, coalesce(mu_sigma_pct_per_km, 0),"
            " cov_beta_alpha, coalesce(cov_beta_mu, 0), coalesce(cov_alpha_mu, 0), temp_ref_k,"
            " coalesce(height_ref_km, 0) from fct_temperature_coefficient"
            f" where station_id = {station_id} and method = '{method}'",
        )
        beta, s_b, s_a, s_m, c_ba, c_bm, c_am, temp_ref, height_ref = np.array(fit, dtype=np.float64)[0]
        covariance = np.array([[s_b**2, c_ba, c_bm], [c_ba, s_a**2, c_am], [c_bm, c_am, s_m**2]])
        gradient = np.stack([pressure, temperature - temp_ref, height - height_ref])
        spread = np.einsum("ih,ij,jh->h", gradient, covariance, gradient)
        barometer = found * beta / 100 * 0.5
        by_hand = np.sqrt((found / rate * sigma) ** 2 + (found / 100) ** 2 * spread + barometer**2)
        np.testing.assert_allclose(found_sigma, by_hand, rtol=1e-9)
        assert np.linalg.eigvalsh(covariance).min() > -1e-20


def test_nothing_is_applied_unless_asked(measured: Path) -> None:
    assert query(measured, "select distinct final_stage from fct_rate") == [("pressure",)]
    rows = query(
        measured,
        "select rate_final_hz, rate_eff_p_hz, rate_without_temperature_hz, rate_without_pressure_hz, rate_eff_hz,"
        " rate_without_eff_hz, rate_raw_hz * pressure_factor from large_corrected_table"
        " where rate_eff_p_hz is not null",
    )
    final, after_pressure, without_temperature, without_pressure, eff, without_eff, raw = np.array(rows, np.float64).T
    np.testing.assert_array_equal(final, after_pressure)
    np.testing.assert_array_equal(without_temperature, final)
    np.testing.assert_array_equal(without_pressure, eff)
    np.testing.assert_allclose(without_eff, raw, rtol=1e-15)


def test_the_corrected_rate_without_each_correction(applied: Path) -> None:
    final, final_sigma, corrected, sigma, eff, efficiency, f_p, f_t, no_eff, no_p, no_t, beta, delta = _rates(
        applied,
        MASS,
        "c.rate_final_hz, c.rate_final_sigma_hz, c.rate_eff_pt_hz, c.rate_eff_pt_sigma_hz, c.rate_eff_hz,"
        " c.eff_telescope, c.pressure_factor, c.temperature_factor, c.rate_without_eff_hz, c.rate_without_pressure_hz,"
        " c.rate_without_temperature_hz, c.beta_pct_per_hpa, c.pressure_delta_hpa",
    )
    np.testing.assert_array_equal(final, corrected)
    np.testing.assert_array_equal(final_sigma, sigma)
    np.testing.assert_allclose(final, eff * f_p * f_t, rtol=1e-12)
    np.testing.assert_allclose(f_p, np.exp(-beta / 100 * delta), rtol=1e-12)
    assert beta == pytest.approx(BETA, abs=1e-9)
    np.testing.assert_allclose(no_eff, final * efficiency, rtol=1e-12)
    np.testing.assert_allclose(no_p, final / f_p, rtol=1e-12)
    np.testing.assert_allclose(no_t, final / f_t, rtol=1e-12)


def test_hours_without_a_temperature_keep_the_earlier_stage(applied: Path) -> None:
    rows = query(
        applied,
        "select temperature_status, final_stage, count(*), count(rate_final_hz), count(rate_eff_pt_hz),"
        " count(*) filter (where rate_final_hz is not distinct from rate_eff_p_hz),"
        " count(*) filter (where rate_without_temperature_hz is not distinct from rate_final_hz)"
        f" from fct_rate where station_id = {MASS} and group_code = 'all' group by all order by 1",
    )
    assert rows == [
        ("missing_environment", "pressure", 48, 48, 0, 48, 48),
        ("missing_pressure", "pressure", 5, 0, 0, 5, 5),
        ("ok", "pressure_temperature", 8760 - 53, 8760 - 53, 8760 - 53, 0, 0),
    ]
    others = query(
        applied,
        "select distinct station_id, temperature_method, temperature_status, final_stage from large_corrected_table"
        f" where station_id != {MASS} order by 1",
    )
    assert others == [
        (NO_PROFILE, "duperier", "ok", "pressure_temperature"),
        (NO_ERA5, None, "missing_environment", "pressure"),
    ]


def test_normalised_rates_follow_the_final_stage(applied: Path) -> None:
    final, normalised, sigma, final_sigma = _rates(
        applied, MASS, "c.rate_final_hz, c.rate_norm_pct, c.rate_norm_sigma_pct, c.rate_final_sigma_hz"
    )
    reference = final / (1 + normalised / 100)
    assert np.ptp(reference) < 1e-9
    interval = column(
        applied,
        f"select rate_final_hz from fct_rate where station_id = {MASS} and group_code = 'all'"
        " and bin_start >= timestamp '2025-04-25' and bin_start < timestamp '2025-05-22'",
    )
    assert reference[0] == pytest.approx(np.nanmean(interval), rel=1e-9)
    np.testing.assert_allclose(sigma, 100 * final_sigma / reference, rtol=1e-9)
