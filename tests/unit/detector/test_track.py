"""The straight-line fit of tracks: golden tracks, errors, and explicit fits as its witness."""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tests.unit.detector.conftest import FILE_ID, Models

Z = (0.0, 150.0, 300.0, 450.0)
C_MM_PER_NS = 299.792458
LINES = ("x0_mm", "x_slope", "y0_mm", "y_slope", "t0_ns", "t_slope_ns_per_mm")
GOLDEN_X = (10.0, 76.3414, 142.6828, 209.0242)
GOLDEN_Y = (-20.0, 35.6670, 91.3341, 147.0011)
GOLDEN_T = (0.0, 0.577750, 1.155500, 1.733250)


def put_hits(models: Models, events: dict[int, dict[int, tuple[float, ...]]], z: tuple[float, ...] = Z) -> None:
    """Plane hits by event and plane: x, y, t and optionally their three errors."""
    rows = []
    topology = []
    for event_number, planes in events.items():
        for plane, (x, y, t, *sigma) in planes.items():
            sigma_x, sigma_y, sigma_t = sigma or (15.0, 15.0, 0.35)
            rows.append(
                {"file_id": FILE_ID, "event_number": event_number, "plane": plane, "x_mm": x, "y_mm": y, "t_ns": t}
                | {"sigma_x_mm": sigma_x, "sigma_y_mm": sigma_y, "sigma_t_ns": sigma_t}
            )
        mask = sum(1 << (plane - 1) for plane in planes)
        topology.append(
            {"file_id": FILE_ID, "event_number": event_number, "n_planes": len(planes), "hit_mask": mask}
            | {"list_tt": int("".join(map(str, sorted(planes)))), "cal_tt": 0, "q_sum_ns": 1.0, "q_fc": 1.0}
            | {"n_streamer_planes": 0}
        )
    models.put("int_plane_hit", rows)
    models.put("int_event_topology", topology)
    models.put_file(z=z)
    models.put(
        "fct_channel_status",
        pl.DataFrame(schema={"file_id": pl.Int64, "plane": pl.Int8, "is_strip_usable": pl.Boolean}),
    )


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
    put_hits(models, {1: golden_hits()})
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
    put_hits(models, {1: golden_hits(x3=10)})
    fit = fits(models).filter(pl.col("fit_mask") == 15).row(0, named=True)
    assert fit["x_slope"] - 0.4422760 == pytest.approx(0.0066667, abs=1e-6)
    assert fit["x_intercept"] - 10 == pytest.approx(1.0, abs=1e-4)
    planes = models.run("int_plane_pool_rule", "int_track_plane").filter(pl.col("plane") == 3).row(0, named=True)
    assert planes["residual_x_mm"] == pytest.approx(7.0, abs=1e-4)
    assert planes["loo_x_mm"] == pytest.approx(10.0, abs=1e-4)
    assert planes["x_pred_mm"] == pytest.approx(GOLDEN_X[2], abs=1e-4)


def test_golden_errors(models: Models) -> None:
    put_hits(models, {1: golden_hits()})
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
    put_hits(models, {k: {p + 1: tuple(golden[p] + noise[k, p]) for p in range(4)} for k in range(n)})
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


def iterated_fit(z: NDArray[Any], u: NDArray[Any]) -> NDArray[Any]:
    """X0, XP, Y0, YP, T0, S0 by Gauss-Newton steps on x, y and t = T0 + S0·k·z with k the path per height."""
    p = np.zeros(6)
    for _ in range(60):
        k = np.sqrt(1 + p[1] ** 2 + p[3] ** 2)
        zero, one = np.zeros_like(z), np.ones_like(z)
        predicted = [p[0] + p[1] * z, p[2] + p[3] * z, p[4] + p[5] * k * z]
        jacobian = [
            np.stack([one, z, zero, zero, zero, zero]),
            np.stack([zero, zero, one, z, zero, zero]),
            np.stack([zero, p[5] * p[1] / k * z, zero, p[5] * p[3] / k * z, one, k * z]),
        ]
        residual = np.concatenate([u[i] - predicted[i] for i in range(3)])
        p = p + np.linalg.lstsq(np.concatenate(jacobian, axis=1).T, residual, rcond=None)[0]
    return p


def random_events(seed: int) -> dict[int, dict[int, tuple[float, ...]]]:
    """Hits scattered around tracks in every set of two to four planes."""
    rng = np.random.default_rng(seed)
    events = {}
    for number, planes in enumerate([s for n in (2, 3, 4) for s in combinations((1, 2, 3, 4), n)] * 3, start=1):
        slope = rng.normal(0, 0.4, 2)
        events[number] = {
            p: (
                *(rng.uniform(-100, 100) + slope * Z[p - 1] + rng.normal(0, 10, 2)),
                Z[p - 1] / 290 + rng.normal(0, 0.3),
            )
            for p in planes
        }
    return events


def test_closed_form_equals_the_iterated_fit(models: Models) -> None:
    events = random_events(2)
    put_hits(models, events)
    fits(models)
    tracks = {row["event_number"]: row for row in models.run("int_track").iter_rows(named=True)}
    for number, planes in events.items():
        if tracks[number]["removed_plane"] is not None:
            continue
        z = np.array([Z[p - 1] for p in planes])
        expected = iterated_fit(z, np.array(list(planes.values())).T)
        track = tracks[number]
        found = [track[c] for c in ("x0_mm", "x_slope", "y0_mm", "y_slope", "t0_ns", "slowness_ns_per_mm")]
        found[4] += 300 / (2 * 199.8616)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), number


def test_leave_one_out_equals_a_fit_of_the_others(models: Models) -> None:
    events = random_events(3)
    put_hits(models, events)
    fits(models)
    planes = models.run("int_plane_pool_rule", "int_track_plane")
    found = {(row["event_number"], row["plane"]): row for row in planes.iter_rows(named=True)}
    for number, hits in events.items():
        for plane in (1, 2, 3, 4):
            others = [p for p in hits if p != plane]
            if len(hits) < 3 or len(others) < 2:
                assert (number, plane) not in found
                continue
            z = np.array([Z[p - 1] for p in others])
            values = np.array([hits[p] for p in others])
            line = np.polyfit(z, values, 1)
            predicted = line[0] * Z[plane - 1] + line[1]
            row = found[number, plane]
            assert [row["x_pred_mm"], row["y_pred_mm"], row["t_pred_ns"]] == pytest.approx(predicted, abs=1e-9)
            if plane in hits:
                left_out = np.array(hits[plane]) - predicted
                assert [row["loo_x_mm"], row["loo_y_mm"], row["loo_t_ns"]] == pytest.approx(left_out, abs=1e-9)
            if len(others) == 3:
                pulls = (values - np.outer(z, line[0]) - line[1]) / (15, 15, 0.35)
                assert row["chi2_without"] == pytest.approx((pulls**2).sum(), rel=1e-9)


@pytest.mark.parametrize(("shift", "removed"), [(60.0, None), (400.0, 3)])
def test_one_bad_plane_of_four_is_left_out(models: Models, shift: float, removed: int | None) -> None:
    put_hits(models, {1: golden_hits(x3=shift)})
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
    put_hits(models, {1: hits})
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
    put_hits(models, {1: hits})
    fits(models)
    assert models.run("int_track")["track_reject_mask"].to_list() == [bit]


def test_a_vertical_track_has_no_azimuth_error(models: Models) -> None:
    put_hits(models, {1: {p: (0.0, 0.0, Z[p - 1] / C_MM_PER_NS) for p in (1, 2, 3, 4)}})
    fits(models)
    track = models.run("int_track").row(0, named=True)
    assert track["theta_rad"] == 0
    assert track["sigma_phi_rad"] is None
    assert track["sigma_theta_rad"] == pytest.approx(track["sigma_x_slope"])
