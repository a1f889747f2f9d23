"""Years of simulated hours: what is written down as true is what the counts follow."""

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from simulate.hourly import HourlyNetwork, HourlyStation, network_of_years
from simulate.hourly_counts import FIDUCIAL_SHARE, HourTruth, make_hours, make_truth, pattern_share, region_shares
from simulate.hourly_monitors import barometer_monitor, monitor_rates, write_monitors
from simulate.hourly_series import REFERENCE_INTERVAL, hour_start, make_forbush, make_quiet_primary, thickness_m
from simulate.hourly_tables import PATTERNS, TELESCOPE, Hours, write_hours
from simulate.hourly_truth import coefficient_table, simulate_hours, write_truth
from simulate.nmdb import BARO_BETA_PCT_PER_HPA


@pytest.fixture(scope="module")
def network() -> HourlyNetwork:
    return network_of_years(1.0, seed=7, stations=(1, 2))


@pytest.fixture(scope="module")
def simulated(network: HourlyNetwork) -> list[tuple[HourTruth, Hours]]:
    return simulate_hours(network)


def test_same_seed_same_hours_whatever_else_is_simulated(
    network: HourlyNetwork, simulated: list[tuple[HourTruth, Hours]]
) -> None:
    alone = replace(network, stations=network.stations[1:])
    ((truth, hours),) = simulate_hours(alone)
    np.testing.assert_array_equal(truth.rate_hz, simulated[1][0].rate_hz)
    for pattern in PATTERNS:
        np.testing.assert_array_equal(hours.counts[pattern], simulated[1][1].counts[pattern])
    other = make_truth(replace(network, seed=8), network.stations[1])
    assert not np.array_equal(other.rate_hz, truth.rate_hz)


def test_rate_follows_the_stated_coefficients(network: HourlyNetwork, simulated: list[tuple[HourTruth, Hours]]) -> None:
    for station, (truth, _) in zip(network.stations, simulated, strict=True):
        site, air = station.site, truth.air
        percent = (
            site.beta_pct_per_hpa * (air.pressure_hpa - site.reference_pressure_hpa)
            + site.alpha_pct_per_k * (air.temp_mass_k - air.temp_mass_ref_k)
            + site.gamma_pct_per_pct * truth.primary_pct
        )
        np.testing.assert_allclose(truth.rate_hz, truth.rate_ref_hz * np.exp(percent / 100), rtol=1e-12)


def test_counts_scatter_about_their_expectation_as_poisson(network: HourlyNetwork) -> None:
    station = network.stations[0]
    truth = make_truth(network, station)
    expected = make_hours(replace(network, counting="expected"), station, truth)
    drawn = make_hours(network, station, truth)
    live = expected.live_s > 0
    for pattern in PATTERNS:
        pull = (drawn.counts[pattern] - expected.counts[pattern])[live] / np.sqrt(expected.counts[pattern][live])
        assert abs(pull.mean()) < 4 / np.sqrt(pull.size)
        assert pull.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * pull.size))
    assert not np.any(drawn.telescope[~live])
    for (plane, pattern), count in expected.fiducial.items():  # type: ignore[union-attr]
        inner = truth.rate_hz * expected.live_s * pattern_share(pattern, truth.efficiency)
        np.testing.assert_allclose(count, FIDUCIAL_SHARE[plane] * inner, rtol=1e-12)


def test_counts_give_back_the_true_rate_and_efficiencies(network: HourlyNetwork) -> None:
    station = network.stations[1]
    truth = make_truth(network, station)
    hours = make_hours(replace(network, counting="expected"), station, truth)
    live = hours.live_s > 0
    n, fiducial = hours.counts, hours.fiducial
    assert fiducial is not None
    with np.errstate(invalid="ignore"):
        e1 = fiducial[1, "1234"] / (fiducial[1, "1234"] + fiducial[1, "234"])
        e4 = fiducial[4, "1234"] / (fiducial[4, "1234"] + fiducial[4, "123"])
        e2, e3 = n["1234"] / (n["1234"] + n["134"]), n["1234"] / (n["1234"] + n["124"])
        rate = hours.telescope / hours.live_s / (e1 * e4 * (1 - (1 - e2) * (1 - e3)))
    np.testing.assert_allclose(np.stack([e1, e2, e3, e4])[:, live], truth.efficiency[:, live], rtol=1e-12)
    np.testing.assert_allclose(rate[live], truth.rate_hz[live], rtol=1e-12)


def test_regions_are_parts_of_the_telescope_events(simulated: list[tuple[HourTruth, Hours]]) -> None:
    _, hours = simulated[0]
    assert hours.region is not None
    np.testing.assert_array_equal(sum(hours.region.values()), hours.telescope)
    shares = np.array([count.sum() for count in hours.region.values()]) / hours.telescope.sum()
    sigma = np.sqrt(region_shares() / hours.telescope.sum())
    assert np.abs((shares - region_shares()) / sigma).max() < 5


def test_outages_change_and_gaps_are_where_they_were_asked_for(
    network: HourlyNetwork, simulated: list[tuple[HourTruth, Hours]]
) -> None:
    for station, (truth, hours) in zip(network.stations, simulated, strict=True):
        assert station.change is not None
        lost_s = sum((high - low) * 3600 for low, high in station.site.outages)
        assert 3600 * network.n_hours - hours.live_s.sum() == pytest.approx(lost_s, abs=len(station.site.outages))
        assert np.any((hours.live_s > 0) & (hours.live_s < 3600))
        is_later = np.arange(network.n_hours) >= station.change.hour
        np.testing.assert_array_equal(truth.conf_number == station.change.conf_number, is_later)
        n_gap = sum(round(high - low) for low, high in station.pressure_gaps)
        assert np.isnan(hours.environment["pressure_lab_hpa"]).sum() == n_gap


def test_a_forbush_decrease_changes_only_what_it_takes_away(network: HourlyNetwork) -> None:
    station = network.stations[0]
    quiet = replace(network, forbush=())
    with_it, without = (make_hours(n, station, make_truth(n, station)) for n in (network, quiet))
    onset = network.forbush[0][0]
    for pattern in PATTERNS[:5]:
        np.testing.assert_array_equal(with_it.counts[pattern][:onset], without.counts[pattern][:onset])
        assert np.all(with_it.counts[pattern] <= without.counts[pattern])
    depth = make_forbush(network)[onset + 6 : onset + 12].mean()
    taken = sum(with_it.counts[t][onset + 6 : onset + 12].sum() for t in TELESCOPE)
    kept = taken / sum(without.counts[t][onset + 6 : onset + 12].sum() for t in TELESCOPE)
    assert kept == pytest.approx(np.exp(station.site.gamma_pct_per_pct * depth / 100), abs=0.001)


def test_air_is_tied_and_not_collinear(network: HourlyNetwork, simulated: list[tuple[HourTruth, Hours]]) -> None:
    air = simulated[0][0].air
    low, high = np.quantile(air.temp_mass_k, [0.05, 0.95])
    assert 8 < high - low < 30
    assert 200 < air.temp_100hpa_k.mean() < 225
    assert 15_000 < air.height_100hpa_m.mean() < 17_000
    assert np.corrcoef(air.temp_mass_k, air.height_100hpa_m)[0, 1] > 0.9
    assert abs(np.corrcoef(air.height_100hpa_m, air.temp_100hpa_k)[0, 1]) < 0.9
    assert abs(np.corrcoef(air.temp_mass_k, air.pressure_hpa)[0, 1]) < 0.5
    coupled = make_truth(replace(network, coupling_k_per_hpa=0.3), network.stations[0]).air
    assert (
        np.corrcoef(coupled.temp_mass_k, coupled.pressure_hpa)[0, 1]
        > np.corrcoef(air.temp_mass_k, air.pressure_hpa)[0, 1]
    )


def test_height_of_an_air_column_of_one_temperature() -> None:
    height = thickness_m(np.full((1, 37), 250.0), np.array([250.0]), 1000.0)
    assert height[0] == pytest.approx(29.27 * 250 * np.log(10), rel=1e-12)


def test_tide_has_its_amplitude_and_half_a_day(network: HourlyNetwork) -> None:
    strong, none = (make_truth(replace(network, tide_hpa=t), network.stations[0]).air.pressure_hpa for t in (1.0, 0.0))
    wave = strong - none
    assert wave.max() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(wave[12:], wave[:-12], atol=1e-9)


def test_monitors_follow_the_primary_and_are_zero_over_the_reference(network: HourlyNetwork) -> None:
    over_2025 = replace(network_of_years(2.0, seed=3))
    primary = make_quiet_primary(over_2025) + make_forbush(over_2025)
    start = hour_start(over_2025)
    reference = (start >= REFERENCE_INTERVAL[0]) & (start < REFERENCE_INTERVAL[1])
    assert primary[reference].mean() == pytest.approx(0.0, abs=1e-12)
    for code, rate in monitor_rates(over_2025).items():
        relative = 100 * (rate / np.nanmean(rate[reference]) - 1)
        error = np.nanstd(relative - primary)
        assert error < 0.3, code
        assert np.corrcoef(relative[~np.isnan(rate)], primary[~np.isnan(rate)])[0, 1] > 0.95
        gaps = over_2025.monitor_gaps.get(code, ())
        assert np.isnan(rate).mean() >= sum(high - low for low, high in gaps) / over_2025.n_hours


def test_monitor_with_a_barometer_has_its_coefficient(network: HourlyNetwork) -> None:
    rate, pressure = barometer_monitor(network)
    primary = make_quiet_primary(network) + make_forbush(network)
    slope = np.polyfit(pressure, np.log(rate / (1 + primary / 100)), 1)[0]
    assert 100 * slope == pytest.approx(BARO_BETA_PCT_PER_HPA, abs=0.002)


def test_tables_hold_what_was_simulated(
    tmp_path: Path, network: HourlyNetwork, simulated: list[tuple[HourTruth, Hours]]
) -> None:
    build = tmp_path / "build.duckdb"
    write_hours(build, [hours for _, hours in simulated])
    write_monitors(build, [("", network)])
    write_truth(tmp_path / "truth", network, [truth for truth, _ in simulated])
    with duckdb.connect(str(build)) as connection:
        n_hours = 2 * network.n_hours
        for table in ("int_bin_count", "int_bin_environment", "fct_era5_hour"):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (n_hours,)
        same = connection.execute(
            "select count(*) filter (where c.n_1234 + c.n_124 + c.n_134 != r.n_tel), count(*) from int_bin_count as c"
            " join (select station_id, bin_start, sum(n_tel) as n_tel from int_bin_region group by all) as r"
            " using (station_id, bin_start)"
        ).fetchone()
        assert same == (0, sum(int((hours.live_s > 0).sum()) for _, hours in simulated))
        unlike = connection.execute("select count(*) from int_bin_count where (live_s = 0) != (n_1234 is null)")
        assert unlike.fetchone() == (0,)
        silent = connection.execute("select count(*) from fct_nmdb_hour where rate_hz is null or n_bins = 0")
        assert silent.fetchone() == (sum(int(np.isnan(rate).sum()) for rate in monitor_rates(network).values()),)
        assert connection.execute("select count(distinct dtype) from stg_nmdb").fetchone() == (3,)
    rows = coefficient_table(network, [truth for truth, _ in simulated]).to_pylist()
    assert [row["conf_number"] for row in rows] == [21.0, 22.0, 3.0, 4.0]
    stored = duckdb.sql(f"select * from '{tmp_path}/truth/coefficient.parquet'").fetchall()
    assert len(stored) == len(rows)


def test_what_cannot_be_simulated_is_refused(network: HourlyNetwork) -> None:
    with pytest.raises(ValueError, match="n_hours"):
        replace(network, n_hours=0)
    with pytest.raises(ValueError, match="full UTC hour"):
        replace(network, start=network.start.replace(minute=5))


def test_a_station_without_change_has_one_configuration(network: HourlyNetwork) -> None:
    station = HourlyStation(network.stations[0].site)
    truth = make_truth(replace(network, stations=(station,)), station)
    assert np.unique(truth.conf_number).tolist() == [float(station.site.conf_number)]
