"""Explicit fits as witness of the tracks that SQL fits: 1,000 random events of two, three and four planes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from tests.unit.detector.conftest import Models

Array = NDArray[np.float64]
GEOMETRIES = [(0.0, 150.0, 300.0, 450.0), (0.0, 65.0, 130.0, 195.0), (0.0, 103.5, 251.0, 411.25)]
N_EVENTS = (334, 333, 333)
SETS = [planes for n in (2, 3, 4) for planes in combinations((1, 2, 3, 4), n)]
PARAMETERS = ("x0_mm", "x_slope", "y0_mm", "y_slope", "t0_ns", "slowness_ns_per_mm")
HALF_STRIP_NS = 300 / (2 * 199.8616)


@dataclass(frozen=True)
class Event:
    """Hits of one event: planes (n,), heights z (n,), values and errors of x, y, t (n, 3)."""

    number: int
    planes: tuple[int, ...]
    z: Array
    values: Array
    sigmas: Array

    def without(self, plane: int) -> "Event":
        """The event with one plane left out."""
        kept = np.array(self.planes) != plane
        planes = tuple(p for p in self.planes if p != plane)
        return Event(self.number, planes, self.z[kept], self.values[kept], self.sigmas[kept])


def random_events(heights: tuple[float, ...], n: int, seed: int, sets: Sequence[tuple[int, ...]] = SETS) -> list[Event]:
    """Scattered hits of steep and flat, fast, slow and upgoing tracks; every point has errors of its own."""
    rng = np.random.default_rng(seed)
    events = []
    for number in range(1, n + 1):
        planes = sets[number % len(sets)]
        z = np.array([heights[p - 1] for p in planes])
        sigmas = rng.uniform((5, 10, 0.2), (20, 30, 0.6), (len(planes), 3))
        start = rng.uniform((-120, -140, -135), (120, 140, -120))
        slope = rng.normal(0, (0.6, 0.6, 0.004))
        events.append(
            Event(number, planes, z, start + np.outer(z, slope) + sigmas * rng.normal(size=sigmas.shape), sigmas)
        )
    return events


def put_events(models: Models, events: list[Event], heights: tuple[float, ...]) -> None:
    """The events as plane hits of one file."""
    models.put_plane_hits(
        {e.number: {p: (*e.values[i], *e.sigmas[i]) for i, p in enumerate(e.planes)} for e in events}, heights
    )


def predicted(p: Array, z: Array) -> tuple[Array, Array]:
    """Values (n, 3) of the track X0, XP, Y0, YP, T0, S0 at heights z, and their derivatives (n, 3, 6).

    x = X0 + XP·z, y = Y0 + YP·z, t = T0 + S0·k·z with k = sqrt(1 + XP² + YP²).
    """
    k = np.sqrt(1 + p[1] ** 2 + p[3] ** 2)
    zero, one = np.zeros_like(z), np.ones_like(z)
    values = np.stack([p[0] + p[1] * z, p[2] + p[3] * z, p[4] + p[5] * k * z], axis=1)
    derivatives = np.stack(
        [
            np.stack([one, z, zero, zero, zero, zero], axis=1),
            np.stack([zero, zero, one, z, zero, zero], axis=1),
            np.stack([zero, p[5] * p[1] / k * z, zero, p[5] * p[3] / k * z, one, k * z], axis=1),
        ],
        axis=1,
    )
    return values, derivatives


def gauss_newton(event: Event) -> Array:
    """The six parameters (6,) of least squares, every plane with equal weight, by iteration from a vertical track."""
    p = np.zeros(6)
    for _ in range(100):
        values, derivatives = predicted(p, event.z)
        step = np.linalg.lstsq(derivatives.reshape(-1, 6), (event.values - values).ravel(), rcond=None)[0]
        p = p + step
        if np.all(np.abs(step) <= 1e-14 * (1e-3 + np.abs(p))):
            break
    return p


def covariance(event: Event, p: Array) -> Array:
    """Covariance (6, 6) of the parameters, from the errors of the points."""
    response = np.linalg.pinv(predicted(p, event.z)[1].reshape(-1, 6))
    return response * event.sigmas.ravel() ** 2 @ response.T


def direction_sigmas(p: Array, cov: Array) -> tuple[float, float]:
    """First-order errors of theta and phi; the derivatives by a complex step."""

    def sigma(angle: Callable[[complex, complex], complex]) -> float:
        h = 1e-30
        gradient = np.array([angle(p[1] + 1j * h, p[3]).imag / h, angle(p[1], p[3] + 1j * h).imag / h])
        return float(np.sqrt(gradient**2 @ np.diag(cov)[[1, 3]]))

    theta = sigma(lambda xp, yp: complex(np.arctan(np.sqrt(xp**2 + yp**2))))
    return theta, sigma(lambda xp, yp: complex(np.arctan(yp / xp)))


def chi2(event: Event, p: Array) -> float:
    """Sum of squared pulls."""
    return float((((event.values - predicted(p, event.z)[0]) / event.sigmas) ** 2).sum())


@dataclass(frozen=True)
class Fitted:
    """Events of one geometry, and what the models make of them by event, and by event and plane."""

    heights: tuple[float, ...]
    events: list[Event]
    tracks: dict[int, dict[str, Any]]
    planes: dict[tuple[int, int], dict[str, Any]]


def fit(models: Models, events: list[Event], heights: tuple[float, ...]) -> Fitted:
    """Run the models of the track."""
    put_events(models, events, heights)
    models.run("int_plane_set", "int_track_fit")
    tracks = {row["event_number"]: row for row in models.run("int_track").iter_rows(named=True)}
    planes = models.run("int_plane_pool_rule", "int_track_plane")
    return Fitted(
        heights, events, tracks, {(row["event_number"], row["plane"]): row for row in planes.iter_rows(named=True)}
    )


@pytest.fixture
def fitted(models: Models) -> list[Fitted]:
    """A thousand events in three geometries, no plane removed from any."""
    models.set_parameters(track_studentised_max=1e9)
    return [
        fit(models, random_events(heights, n, seed), heights)
        for seed, (heights, n) in enumerate(zip(GEOMETRIES, N_EVENTS, strict=True))
    ]


def test_closed_form_equals_gauss_newton(fitted: list[Fitted]) -> None:
    n = 0
    for geometry in fitted:
        for event in geometry.events:
            p = gauss_newton(event)
            track = geometry.tracks[event.number]
            found = [track[name] for name in PARAMETERS]
            found[4] += HALF_STRIP_NS
            assert found == pytest.approx(p, rel=1e-9, abs=1e-9), event
            assert track["t_slope_ns_per_mm"] == pytest.approx(
                p[5] * np.sqrt(1 + p[1] ** 2 + p[3] ** 2), rel=1e-9, abs=1e-9
            )
            assert track["theta_rad"] == pytest.approx(np.arctan(np.hypot(p[1], p[3])), abs=1e-9)
            assert track["phi_rad"] == pytest.approx(np.arctan2(p[3], p[1]), abs=1e-9)
            assert track["ndf"] == 3 * len(event.planes) - 6
            assert track["chi2"] == pytest.approx(chi2(event, p), rel=1e-9, abs=1e-9)
            n += 1
    assert n == 1000


def test_errors_are_those_of_gauss_newton(fitted: list[Fitted]) -> None:
    for geometry in fitted:
        for event in geometry.events:
            p = gauss_newton(event)
            cov = covariance(event, p)
            track = geometry.tracks[event.number]
            found = [track[f"sigma_{name}"] for name in PARAMETERS]
            assert found == pytest.approx(np.sqrt(np.diag(cov)), rel=1e-9), event
            angles = track["sigma_theta_rad"], track["sigma_phi_rad"]
            assert angles == pytest.approx(direction_sigmas(p, cov), rel=1e-9), event


def test_leave_one_out_equals_refits(fitted: list[Fitted]) -> None:
    for geometry in fitted:
        for event in geometry.events:
            p_all = gauss_newton(event)
            for i, plane in enumerate(event.planes):
                row = geometry.planes[event.number, plane]
                residual = event.values[i] - predicted(p_all, event.z)[0][i]
                found = [row[f"residual_{name}"] for name in ("x_mm", "y_mm", "t_ns")]
                assert found == pytest.approx(residual, rel=1e-9, abs=1e-9)
                loo = [row[f"loo_{name}"] for name in ("x_mm", "y_mm", "t_ns")]
                prediction = [row[f"{name}"] for name in ("x_pred_mm", "y_pred_mm", "t_pred_ns")]
                if len(event.planes) == 2:
                    assert loo == prediction == [None] * 3
                    continue
                others = event.without(plane)
                p = gauss_newton(others)
                expected = predicted(p, event.z[i : i + 1])[0][0]
                assert prediction == pytest.approx(expected, rel=1e-9, abs=1e-9)
                assert loo == pytest.approx(event.values[i] - expected, rel=1e-9, abs=1e-9)
                if len(event.planes) == 4:
                    assert row["chi2_without"] == pytest.approx(chi2(others, p), rel=1e-9)


def test_every_hit_plane_and_every_tested_plane_has_one_row(fitted: list[Fitted]) -> None:
    for geometry in fitted:
        hit = {(event.number, plane) for event in geometry.events for plane in event.planes}
        tested = {(event.number, p) for event in geometry.events for p in (1, 2, 3, 4) if len(event.planes) >= 3}
        assert set(geometry.planes) == hit | tested
        assert {key for key, row in geometry.planes.items() if row["is_hit"]} == hit


def test_planes_not_hit_are_predicted_by_the_other_three(fitted: list[Fitted]) -> None:
    for geometry in fitted:
        for event in (e for e in geometry.events if len(e.planes) == 3):
            (missing,) = {1, 2, 3, 4} - set(event.planes)
            p = gauss_newton(event)
            row = geometry.planes[event.number, missing]
            expected = predicted(p, np.array([geometry.heights[missing - 1]]))[0][0]
            assert [row[name] for name in ("x_pred_mm", "y_pred_mm", "t_pred_ns")] == pytest.approx(
                expected, rel=1e-9, abs=1e-9
            )
            assert row["chi2_without"] == pytest.approx(chi2(event, p), rel=1e-9)
            assert row["residual_x_mm"] is row["loo_x_mm"] is None


def removed_by_hand(event: Event) -> int | None:
    """The plane that the rule of one bad plane removes, from explicit fits."""
    p = gauss_newton(event)
    values, _ = predicted(p, event.z)
    leverage = 1 / len(event.z) + (event.z - event.z.mean()) ** 2 / ((event.z - event.z.mean()) ** 2).sum()
    studentised = np.abs(event.values - values) / event.sigmas / np.sqrt(1 - leverage)[:, None]
    worst = event.planes[int(studentised.max(axis=1).argmax())]
    others = event.without(worst)
    return worst if studentised.max() > 6 and chi2(others, gauss_newton(others)) / 3 <= 10 else None


def test_one_bad_plane_is_removed_where_explicit_fits_say_so(models: Models) -> None:
    heights = GEOMETRIES[2]
    rng = np.random.default_rng(7)
    events = random_events(heights, 300, 8, sets=[(1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 4)])
    for event in events:
        for _ in range(int(rng.integers(0, 3))):
            line = int(rng.integers(0, 3))
            event.values[rng.integers(0, len(event.planes)), line] += rng.normal(0, (250, 250, 8)[line])
    found = fit(models, events, heights)
    removed = {e.number: removed_by_hand(e) if len(e.planes) == 4 else None for e in events}
    assert len({*removed.values()}) == 5
    for event in events:
        track, plane = found.tracks[event.number], removed[event.number]
        assert track["removed_plane"] == plane
        kept = event.without(plane) if plane else event
        p = gauss_newton(kept)
        assert track["plane_tt"] == int("".join(map(str, kept.planes)))
        assert (track["x0_mm"], track["y_slope"]) == pytest.approx((p[0], p[3]), rel=1e-9, abs=1e-9)
        assert track["chi2"] == pytest.approx(chi2(kept, p), rel=1e-9, abs=1e-9)


def transformed(models: Models, events: list[Event], matrix: Array, shift: Array) -> pl.DataFrame:
    """Tracks of the events after values -> values · matrix + shift, as one table in the order of events."""
    moved = [Event(e.number, e.planes, e.z, e.values @ matrix + shift, e.sigmas) for e in events]
    put_events(models, moved, GEOMETRIES[0])
    models.run("int_plane_set", "int_track_fit")
    return models.run("int_track").sort("event_number")


def test_a_moved_and_turned_detector_sees_moved_and_turned_tracks(models: Models) -> None:
    models.set_parameters(track_studentised_max=1e9)
    events = random_events(GEOMETRIES[0], 200, 9)
    before = transformed(models, events, np.eye(3), np.zeros(3))
    angle = 0.7
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    after = transformed(models, events, turn, np.array([30.0, -40.0, 5.0]))
    start = np.stack([before["x0_mm"], before["y0_mm"], before["t0_ns"]], axis=1) @ turn + [30.0, -40.0, 5.0]
    assert np.stack([after["x0_mm"], after["y0_mm"], after["t0_ns"]], axis=1) == pytest.approx(start, abs=1e-9)
    for same in ("theta_rad", "slowness_ns_per_mm", "t_slope_ns_per_mm"):
        assert after[same].to_numpy() == pytest.approx(before[same].to_numpy(), rel=1e-9, abs=1e-12)
    phi = np.exp(1j * (after["phi_rad"] - before["phi_rad"]).to_numpy())
    assert phi == pytest.approx(np.full(200, np.exp(1j * angle)), abs=1e-9)


def test_the_order_of_rows_does_not_matter(models: Models) -> None:
    events = random_events(GEOMETRIES[1], 300, 10)
    put_events(models, events, GEOMETRIES[1])
    models.run("int_plane_set", "int_track_fit")
    first = models.run("int_track").sort("event_number")
    models.put(
        "int_plane_hit", models.connection.execute("from int_plane_hit").pl().sample(fraction=1, shuffle=True, seed=1)
    )
    models.run("int_track_fit")
    assert_frame_equal(models.run("int_track").sort("event_number"), first, rel_tol=1e-9, abs_tol=1e-9)
