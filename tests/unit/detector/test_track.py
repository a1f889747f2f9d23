"""The straight-line fit of tracks: golden tracks and their errors, reasons to reject one."""

import numpy as np
import polars as pl
import pytest

from tests.unit.detector.conftest import Models

Z = (0.0, 150.0, 300.0, 450.0)
C_MM_PER_NS = 299.792458
LINES = ("x0_mm", "x_slope", "y0_mm", "y_slope", "t0_ns", "t_slope_ns_per_mm")
GOLDEN_X = (10.0, 76.3414, 142.6828, 209.0242)
GOLDEN_Y = (-20.0, 35.6670, 91.3341, 147.0011)
GOLDEN_T = (0.0, 0.577750, 1.155500, 1.733250)


def golden_hits(**shift: float) -> dict[int, tuple[float, ...]]:
    """The golden track, x of one plane moved."""
    return {
        plane: (x + shift.get(f"x{plane}", 0.0), y, t)
        for plane, (x, y, t) in enumerate(zip(GOLDEN_X, GOLDEN_Y, GOLDEN_T, strict=True), start=1)
    }


def fits(models: Models) -> pl.DataFrame:
    return models.run("int_plane_set", "int_track_fit")


@pytest.mark.parametrize(
    ("z", "leverage"),
    [((0, 150, 300, 450), (0.7, 0.3, 0.3, 0.7)), ((0, 100, 200, 400), (0.6, 0.3143, 0.2571, 0.8286))],
)
def test_leverages(models: Models, z: tuple[float, ...], leverage: tuple[float, ...]) -> None:
    models.put_file(z=z)
    weights = models.run("int_plane_set").filter(pl.col("fit_mask") == 15)
    assert weights["leverage"].to_list() == pytest.approx(leverage, abs=5e-5)


def test_weights_reproduce_a_line_and_its_slope_in_every_set(models: Models) -> None:
    models.put_file(z=(0, 65, 130, 195))
    sets = models.run("int_plane_set").filter("is_in_fit").group_by("fit_mask", "n_planes").agg(
        count=pl.len(),
        constant_slope=pl.col("slope_weight_per_mm").sum(),
        unit_slope=(pl.col("slope_weight_per_mm") * pl.col("z_mm")).sum(),
        constant_intercept=pl.col("intercept_weight").sum(),
        unit_intercept=(pl.col("intercept_weight") * pl.col("z_mm")).sum(),
        trace=pl.col("leverage").sum(),
    )  # fmt: skip
    assert len(sets) == 11
    assert (sets["count"] == sets["n_planes"]).all()
    for column, value in {
        "constant_slope": 0,
        "unit_slope": 1,
        "constant_intercept": 1,
        "unit_intercept": 0,
        "trace": 2,
    }.items():
        assert sets[column].to_numpy() == pytest.approx(value, abs=1e-12), column


def test_golden_track(models: Models) -> None:
    models.put_plane_hits({1: golden_hits()}, Z)
    fit = fits(models).filter(pl.col("fit_mask") == 15).row(0, named=True)
    assert fit["x_slope"] == pytest.approx(0.4422760, abs=1e-7)
    assert fit["y_slope"] == pytest.approx(0.3711136, abs=1e-7)
    assert fit["chi2"] == pytest.approx(0, abs=1e-9)
    track = models.run("int_track").row(0, named=True)
    assert track["slowness_ns_per_mm"] * C_MM_PER_NS == pytest.approx(1, abs=1e-6)
    assert np.degrees([track["theta_rad"], track["phi_rad"]]) == pytest.approx([30, 40], abs=1e-5)
    assert (track["x0_mm"], track["y0_mm"]) == pytest.approx((10, -20), abs=1e-4)
    assert track["t0_ns"] == pytest.approx(-0.75052, abs=1e-5)
    assert track["track_reject_mask"] == 0


def test_one_plane_moved(models: Models) -> None:
    models.put_plane_hits({1: golden_hits(x3=10)}, Z)
    fit = fits(models).filter(pl.col("fit_mask") == 15).row(0, named=True)
    assert fit["x_slope"] - 0.4422760 == pytest.approx(0.0066667, abs=1e-6)
    assert fit["x_intercept"] - 10 == pytest.approx(1.0, abs=1e-4)
    planes = models.run("int_plane_pool_rule", "int_track_plane").filter(pl.col("plane") == 3).row(0, named=True)
    assert planes["residual_x_mm"] == pytest.approx(7.0, abs=1e-4)
    assert planes["loo_x_mm"] == pytest.approx(10.0, abs=1e-4)
    assert planes["x_pred_mm"] == pytest.approx(GOLDEN_X[2], abs=1e-4)


def test_golden_errors(models: Models) -> None:
    models.put_plane_hits({1: golden_hits()}, Z)
    fits(models)
    track = models.run("int_track").row(0, named=True)
    assert track["sigma_x_slope"] == pytest.approx(0.04472, abs=5e-6)
    assert track["sigma_x0_mm"] == pytest.approx(12.55, abs=5e-3)
    assert track["sigma_t_slope_ns_per_mm"] == pytest.approx(0.0010435, abs=5e-8)


def test_errors_are_those_of_thrown_tracks(models: Models) -> None:
    rng = np.random.default_rng(1)
    n = 10_000
    noise = rng.normal(size=(n, 4, 3)) * (15.0, 15.0, 0.35)
    golden = np.array([GOLDEN_X, GOLDEN_Y, GOLDEN_T]).T
    models.put_plane_hits({k: {p + 1: tuple(golden[p] + noise[k, p]) for p in range(4)} for k in range(n)}, Z)
    fits(models)
    tracks = models.run("int_track")
    kept = tracks.filter(pl.col("removed_plane").is_null())
    for value in (
        "x_slope",
        "y_slope",
        "x0_mm",
        "y0_mm",
        "t0_ns",
        "t_slope_ns_per_mm",
        "theta_rad",
        "phi_rad",
        "slowness_ns_per_mm",
    ):
        spread = kept[value].std()
        assert spread == pytest.approx(kept[f"sigma_{value}"].median(), rel=0.03), value
    assert kept["chi2"].mean() == pytest.approx(6, rel=0.03)


@pytest.mark.parametrize(("shift", "removed"), [(60.0, None), (400.0, 3)])
def test_one_bad_plane_of_four_is_left_out(models: Models, shift: float, removed: int | None) -> None:
    models.put_plane_hits({1: golden_hits(x3=shift)}, Z)
    fits(models)
    track = models.run("int_track").row(0, named=True)
    assert track["removed_plane"] == removed
    assert track["plane_tt"] == (124 if removed else 1234)
    assert track["ndf"] == (3 if removed else 6)
    if removed:
        assert np.degrees(track["theta_rad"]) == pytest.approx(30, abs=1e-4)


def test_a_plane_stays_where_the_others_disagree_too(models: Models) -> None:
    hits = golden_hits(x3=400)
    hits[2] = (hits[2][0], hits[2][1] + 400, hits[2][2])
    models.put_plane_hits({1: hits}, Z)
    fits(models)
    track = models.run("int_track").row(0, named=True)
    assert track["removed_plane"] is None
    assert track["track_reject_mask"] == 16


@pytest.mark.parametrize(
    ("hits", "bit"),
    [
        ({1: (700, 0, 0), 2: (700, 0, 0.5)}, 2),
        ({1: (0, 0, 0), 2: (0, 760, 2.6)}, 4),
        ({1: (0, 0, 0), 2: (0, 0, 5)}, 8),
        ({1: (0, 0, 0), 2: (0, 0, -3.1)}, 8),
        ({1: (0, 0, 0), 2: (200, 0, 0.5), 3: (0, 0, 1)}, 16),
    ],
)
def test_reasons_to_reject_a_track(models: Models, hits: dict[int, tuple[float, ...]], bit: int) -> None:
    models.put_plane_hits({1: hits}, Z)
    fits(models)
    assert models.run("int_track")["track_reject_mask"].to_list() == [bit]


def test_a_vertical_track_has_no_azimuth_error(models: Models) -> None:
    models.put_plane_hits({1: {p: (0.0, 0.0, Z[p - 1] / C_MM_PER_NS) for p in (1, 2, 3, 4)}}, Z)
    fits(models)
    track = models.run("int_track").row(0, named=True)
    assert track["theta_rad"] == 0
    assert track["sigma_phi_rad"] is None
    assert track["sigma_theta_rad"] == pytest.approx(track["sigma_x_slope"])
