"""Means and bins against what made them."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tests.unit.report.network import STATIONS, station_hours
from warehouse.report.aggregate import mean_by, newest, pressure_bins, pressure_points, thin, usable
from warehouse.report.network_figures import with_relative_rate
from warehouse.report.station_figures import configuration_borders, exclusion_bands


@pytest.fixture(scope="module")
def hours() -> pl.DataFrame:
    return station_hours(STATIONS[0], 40, 15.0, np.random.default_rng(5))


def test_mean_weights_with_live_time() -> None:
    start = datetime(2025, 1, 1)
    frame = pl.DataFrame(
        {
            "bin_start": [start, start + timedelta(hours=1), start + timedelta(days=2)],
            "live_s": [3600.0, 1800.0, 3600.0],
            "y": [10.0, 13.0, 7.0],
            "s": [0.3, 0.4, 0.5],
        }
    )
    first, gap, last = mean_by(frame, "1d", "y", "s").to_dicts()
    assert first["t"] == start + timedelta(hours=12)
    assert first["y"] == pytest.approx(11.0)
    assert first["s"] == pytest.approx(((2 * 0.3) ** 2 + 0.4**2) ** 0.5 / 3)
    assert (gap["y"], gap["low"]) == (None, None)
    assert (last["y"], last["high"]) == (7.0, 7.5)


def test_mean_error_is_the_scatter() -> None:
    """Daily means of Poisson hours scatter as their error says."""
    rng = np.random.default_rng(1)
    n = rng.poisson(5000, 24 * 400)
    frame = pl.DataFrame(
        {
            "bin_start": [datetime(2025, 1, 1) + timedelta(hours=h) for h in range(n.size)],
            "live_s": np.full(n.size, 3600.0),
            "y": n / 3600,
            "s": np.sqrt(n) / 3600,
        }
    )
    pull = (pl.col("y") - 5000 / 3600) / pl.col("s")
    pulls = mean_by(frame, "1d", "y", "s").select(pull).to_series().to_numpy()
    assert abs(pulls.mean()) < 4 / 20
    assert pulls.std() == pytest.approx(1, abs=4 / np.sqrt(2 * pulls.size))


def test_pressure_points_lie_on_beta(hours: pl.DataFrame) -> None:
    """Before the correction the points follow the coefficient that was simulated, after it they are flat."""
    points = pressure_points(hours)
    weight = 1 / points["s"].to_numpy() ** 2
    dp = points["dp"].to_numpy()
    sigma = 1 / np.sqrt((weight * (dp - np.average(dp, weights=weight)) ** 2).sum())
    for column, beta in (("before", STATIONS[0].beta), ("after", 0.0)):
        slope = np.polyfit(dp, points[column].to_numpy(), 1, w=np.sqrt(weight))[0]
        assert slope == pytest.approx(beta, abs=6 * sigma)
    assert not hours.filter(pl.col("is_excluded")).is_empty()
    assert points.height == hours.filter(pl.col("is_usable") & ~pl.col("is_excluded")).height


def test_pressure_bins_hold_all_points(hours: pl.DataFrame) -> None:
    points = pressure_points(hours)
    bins = pressure_bins(points, "after")
    assert bins["n"].sum() == points.height
    assert (bins["dp"] % 2 == 1).all()
    assert (bins["s"] > 0).all()


def test_thin_and_newest(hours: pl.DataFrame) -> None:
    assert thin(hours, 100).height <= 100
    assert thin(hours, 10_000).height == hours.height
    assert newest(hours, 2).height == 49


def test_exclusions_join_neighbours(hours: pl.DataFrame) -> None:
    bands = exclusion_bands(hours)
    assert bands["reason"] == ["excluded_detector"]
    hour_ms = 3_600_000
    assert bands["t_end"][0] - bands["t"][0] == 14 * hour_ms


def test_configuration_border(hours: pl.DataFrame) -> None:
    borders = configuration_borders(hours)
    assert borders["label"] == ["configuration 8 begins"]
    assert borders["t"] == [(datetime(2025, 3, 1) - datetime(1970, 1, 1)).total_seconds() * 1000 + 560 * 3_600_000]


def test_relative_rate_without_reference(hours: pl.DataFrame) -> None:
    """The published normalised rate where there is one, else the deviation from the mean."""
    good = usable(hours)
    with_reference = with_relative_rate(good)
    assert with_reference["relative_pct"].equals(good["rate_norm_pct"], check_names=False)
    without = with_relative_rate(good.with_columns(rate_norm_pct=pl.lit(None, pl.Float64)))
    assert without["relative_pct"].mean() == pytest.approx(0, abs=1e-9)
    expected = 100 * good["rate_final_sigma_hz"] / good["rate_final_hz"].mean()
    assert without["relative_sigma_pct"].to_list() == pytest.approx(expected.to_list())
