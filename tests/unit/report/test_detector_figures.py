"""The figures of calibration and of single events: what they draw, and that they become files."""

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from warehouse.look.event import EventView
from warehouse.report.calibration_figure import drift_figure
from warehouse.report.event_figure import event_figure

STRIPS = {
    "plane": [1, 1, 1, 2, 3, 3],
    "strip": [1, 2, 3, 1, 1, 2],
    "strip_state": ["two_ended", "two_ended", "one_ended", "two_ended", "none", "time_only"],
    "reject_mask_front": [0, 0, 0, 0, 20, None],
    "reject_mask_back": [0, 0, 0, 0, 0, None],
    "reject_mask": [0, 0, None, None, None, None],
    "is_accepted": [True, False, None, None, None, None],
    "is_crosstalk": [False, True, None, None, None, None],
    "x_mm": [10.0, 12.0, None, None, None, None],
    "q_fc": [500.0, 50.0, None, None, None, None],
}
PLANES = {
    "plane": [1, 2, 3, 4],
    "z_mm": [0.0, 100.0, 200.0, 400.0],
    "x_mm": [10.0, 20.0, 30.0, 90.0],
    "y_mm": [0.0, 0.0, 0.0, 0.0],
    "t_ns": [-120.0, -119.7, -119.4, -118.7],
    **{f"sigma_{name}": [1.0] * 4 for name in ("x_mm", "y_mm", "t_ns")},
}
EVENT = {
    "event_number": 7,
    "event_time": datetime(2025, 3, 3),
    **dict.fromkeys(("raw_tt", "clean_tt", "list_tt"), 1234),
    "fit_tt": 123,
    "removed_plane": 4,
    "x0_mm": 10.0,
    "x_slope": 0.1,
    "y0_mm": 0.0,
    "y_slope": 0.0,
    "t0_ns": -120.75,
    "t_slope_ns_per_mm": 0.003,
    "theta_rad": 0.1,
    "is_track": True,
    "chi2": 3.0,
    "ndf": 3,
}


def view(event: dict[str, object]) -> EventView:
    keys = [(p, s) for p in range(1, 5) for s in range(1, 5)]
    plane, strip = zip(*keys, strict=True)
    sizes = {"y_centre_mm": [-105.0 + 70 * (s - 1) for s in strip], "width_mm": [70.0] * 16}
    geometry = pl.DataFrame({"plane": plane, "strip": strip, **sizes})
    return EventView(
        {"base_name": "mi0125062000000"}, event, pl.DataFrame(STRIPS), pl.DataFrame(PLANES), geometry, 0.75
    )


def test_every_strip_is_drawn_with_what_became_of_it() -> None:
    strips = event_figure(view(EVENT)).data["strip"]
    states = dict(zip(zip(strips["plane"], strips["strip"], strict=True), strips["state"], strict=True))
    assert len(states) == 16
    assert [states[key] for key in ((1, 1), (1, 2), (1, 3))] == ["accepted", "crosstalk", "one end"]
    assert [states[key] for key in ((2, 1), (3, 1), (3, 2), (4, 4))] == [
        "not calibrated",
        "rejected",
        "time only",
        "silent",
    ]


def test_the_track_is_the_fitted_line_and_the_plane_left_out_is_open() -> None:
    data = event_figure(view(EVENT)).data
    for height, x, t in zip(data["x_track"]["z_mm"], data["x_track"]["u"], data["t_track"]["u"], strict=True):
        assert x == pytest.approx(10 + 0.1 * height)
        assert t == pytest.approx(-120 + 0.003 * height)
    assert data["x_hit"]["fill"] == ["fitted"] * 3 + ["removed"]


def test_without_a_fit_there_is_no_line() -> None:
    missing = dict.fromkeys(
        ("x0_mm", "x_slope", "y0_mm", "y_slope", "t0_ns", "t_slope_ns_per_mm", "theta_rad", "fit_tt")
    )
    figure = event_figure(view(EVENT | missing | {"is_track": None}))
    assert all(figure.data[f"{line}_track"]["u"] == [] for line in "xyt")
    assert "no fit" in figure.caption


def calibration() -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = [
        (datetime(2025, 3, day), 1, strip, "t_dif_offset_ns", strip + 0.01 * day, "neighbour" if day == 3 else "fresh")
        for day in (1, 2, 3)
        for strip in (1, 2)
    ]
    points = pl.DataFrame(rows, ["t", "plane", "strip", "constant", "value_ns", "status"], orient="row")
    days = points.select(pl.col("t").cast(pl.Date).alias("day"), "plane", "strip", "constant", median="value_ns")
    return points, days


def test_constants_are_drawn_as_differences_from_the_median_of_their_strip() -> None:
    points, days = calibration()
    figure = drift_figure("MINGO01", date(2025, 3, 1), date(2025, 3, 3), points, days)
    assert len(figure.charts) == 4  # one constant: a chart a plane
    drawn = figure.data["t_dif_offset_ns_1_point"]
    assert drawn["y"] == pytest.approx([-0.01, -0.01, 0, 0, 0.01, 0.01])
    assert drawn["status"] == ["fresh"] * 4 + ["neighbour"] * 2
    both = [pl.concat([frame, frame.with_columns(constant=pl.lit("t_sum_offset_ns"))]) for frame in (points, days)]
    assert len(drift_figure("MINGO01", date(2025, 3, 1), date(2025, 3, 3), *both).charts) == 2


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("html", b"<!DOCTYPE html>")])
def test_a_figure_becomes_a_file_of_the_kind_its_name_says(tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / "new" / f"event.{ending}"
    event_figure(view(EVENT)).save(path)
    assert path.read_bytes()[:400].lstrip().startswith(start)
    if ending != "png":
        assert b"mi0125062000000, event 7" in path.read_bytes()


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'\.gif' is no ending of a figure"):
        event_figure(view(EVENT)).save(tmp_path / "event.gif")
