"""Directions and regions of tracks, and what an event without a track keeps."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.unit.detector.conftest import FILE_ID, Models

GOLDEN_REGIONS = {
    (0, 0, 0): "R0.0",
    (4.999, 77, 0): "R0.0",
    (5, -180, 0): "R1.0",
    (5, 180, 0): "R1.0",
    (14.9, 179.9, 0): "R1.7",
    (15, 0, 0): "R2.4",
    (20, -45, 0): "R2.3",
    (25, 44.9, 0): "R3.4",
    (25, 45, 0): "R3.5",
    (60, 170, 20): "R3.0",
    (60, -170, -20): "R3.7",
    (90, 135, 0): "R3.7",
    (10, 10, 350): "R1.4",
}
FITTED = ("x0_mm", "y0_mm", "x_slope", "y_slope", "t0_ns", "t_slope_ns_per_mm", "chi2")
SIGMAS = (
    "x0_mm",
    "y0_mm",
    "x_slope",
    "y_slope",
    "t0_ns",
    "t_slope_ns_per_mm",
    "theta_rad",
    "phi_rad",
    "slowness_ns_per_mm",
)


def track(event_number: int, theta_deg: float, phi_deg: float, **known: Any) -> dict[str, Any]:
    """A row of `int_track`."""
    row: dict[str, Any] = {"file_id": FILE_ID, "event_number": event_number, "plane_tt": 1234, "removed_plane": None}
    row |= dict.fromkeys(FITTED, 0.0) | {f"sigma_{name}": 0.1 for name in SIGMAS}
    row |= {"theta_rad": np.radians(theta_deg), "phi_rad": np.radians(phi_deg), "slowness_ns_per_mm": 1 / 299.792458}
    return row | {"ndf": 6, "track_reject_mask": 0} | known


def tracks(
    models: Models, rows: list[dict[str, Any]], n_events: int, phi_north_deg: float | None = 0.0
) -> pl.DataFrame:
    """`fct_track` of events 1..n, some of which have a track."""
    event = {"file_id": FILE_ID, "station_id": 1, "raw_tt": 1234, "clean_tt": 123, "event_class": "coincidence"}
    events = pl.DataFrame([event | {"event_number": k} for k in range(1, n_events + 1)])
    models.put("int_event_clean", events.with_columns(event_time=pl.datetime(2025, 2, 7, 10, 4, 59)))
    topology = {"file_id": FILE_ID, "cal_tt": 123, "list_tt": 12, "n_planes": 2, "q_sum_ns": 1.0, "q_fc": 2.0}
    models.put("int_event_topology", [topology | {"event_number": 1, "n_streamer_planes": 1}])
    models.put("int_track", pl.DataFrame(rows, infer_schema_length=None).cast({"removed_plane": pl.Int8}))
    tested = {"file_id": FILE_ID, "event_number": 1}
    models.put(
        "int_track_plane",
        [tested | {"plane": 2, "is_in_fiducial": True}, tested | {"plane": 4, "is_in_fiducial": True}],
    )
    models.put_file(phi_north_deg=phi_north_deg)
    return models.run("fct_track")


@pytest.mark.parametrize("phi_north", sorted({north for _, _, north in GOLDEN_REGIONS}))
def test_golden_regions(models: Models, phi_north: float) -> None:
    golden = {key: region for key, region in GOLDEN_REGIONS.items() if key[2] == phi_north}
    rows = [track(k, theta, phi) for k, (theta, phi, _) in enumerate(golden, start=1)]
    found = tracks(models, rows, len(rows), phi_north)
    assert dict(zip(golden, found["region_code"], strict=True)) == golden


def test_unknown_north_counts_as_zero(models: Models) -> None:
    assert tracks(models, [track(1, 25, 45)], 1, None)["region_code"].to_list() == ["R3.5"]


def test_every_direction_lies_in_one_of_25_regions(models: Models) -> None:
    rng = np.random.default_rng(5)
    rows = [track(k, *rng.uniform((0, -180), (89, 180))) for k in range(1, 2001)]
    found = tracks(models, rows, 2000, 33.3)
    sectors = {0: 1, 1: 8, 2: 8, 3: 8}
    assert set(found["region_code"]) == {f"R{ring}.{sector}" for ring, n in sectors.items() for sector in range(n)}
    assert found["azimuth_deg"].is_between(-180, 180, closed="left").all()


def test_a_rejected_track_keeps_its_values_but_no_label_and_region(models: Models) -> None:
    row = tracks(models, [track(1, 30, 40, track_reject_mask=16)], 1).row(0, named=True)
    assert (row["is_track"], row["fit_tt"], row["region_code"]) == (False, 0, "none")
    assert row["theta_rad"] == pytest.approx(np.radians(30))


def test_an_event_without_a_track_keeps_its_row(models: Models) -> None:
    row = tracks(models, [track(1, 30, 40)], 2).row(1, named=True)
    assert (row["track_reject_mask"], row["is_track"], row["list_tt"], row["fit_tt"]) == (1, False, 0, 0)
    assert (row["theta_rad"], row["q_sum_ns"], row["region_code"], row["fiducial_mask"]) == (None, None, "none", 0)


def test_derived_values(models: Models) -> None:
    row = tracks(models, [track(1, 30, 40)], 1).row(0, named=True)
    assert row["beta"] == pytest.approx(1)
    assert row["sigma_beta"] == pytest.approx(0.1 * 299.792458)
    assert np.degrees(row["phi_arrival_rad"]) == pytest.approx(-140)
    assert (row["minute_start"].minute, row["minute_start"].second) == (4, 0)
    assert row["fiducial_mask"] == 0b1010
    assert row["n_streamer_planes"] == 1


def test_no_speed_for_a_track_without_slowness(models: Models) -> None:
    row = tracks(models, [track(1, 30, -40, slowness_ns_per_mm=5e-7)], 1).row(0, named=True)
    assert (row["beta"], row["sigma_beta"]) == (None, None)
    assert np.degrees(row["phi_arrival_rad"]) == pytest.approx(140)


def test_only_coincidences_have_tracks(models: Models) -> None:
    tracks(models, [track(1, 30, 40)], 3)
    models.connection.execute("update int_event_clean set event_class = 'self_trigger' where event_number = 2")
    assert models.run("fct_track")["event_number"].to_list() == [1, 3]
