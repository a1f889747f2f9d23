"""From cleaned strips to plane hits: calibrated values, crosstalk, charges, centroids."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.conftest import ROOT
from tests.unit.detector.conftest import FILE_ID, Models
from warehouse.fit.spline import fit_segments

PEDESTAL_NS = 90.0
T_NS = -127.0
CHARGE_FC = {1: 63.7543, 5: 155.657, 15: 362.5439, 75: 1050.7287, 95: 1176.3968, 123.4: 1329.5041, 310: 2462.5}
CHARGE_FC |= {315: 2497.2939, 385: 3054.1403, 400: 3195.5926, -5: 40.53, 10: 264.57, 30: 605.73, 390: 3101.2}


def strip(plane: int, number: int, q: float, event_number: int = 1, **known: Any) -> dict[str, Any]:
    """A two-ended strip of charge ``q`` above its pedestals; ``t`` and ``dt`` move its time and time difference."""
    t, dt, dq = known.get("t", 0.0), known.get("dt", 0.0), known.get("dq", 0.0)
    return {
        "file_id": known.get("file_id", FILE_ID),
        "event_number": event_number,
        "plane": plane,
        "strip": number,
        "t_front_ns": T_NS + t - dt,
        "t_back_ns": T_NS + t + dt,
        "q_front_ns": PEDESTAL_NS + q + dq,
        "q_back_ns": PEDESTAL_NS + q - dq,
        "strip_state": known.get("strip_state", "two_ended"),
        "trigger_type": known.get("trigger_type", 1),
    }


def put_strips(models: Models, *strips: dict[str, Any], **calibration: Any) -> None:
    """`int_hit` with these strips, and one calibration for all of them."""
    models.put("int_hit", strips)
    constants: dict[str, Any] = {"q_pedestal_front_ns": PEDESTAL_NS, "q_pedestal_back_ns": PEDESTAL_NS}
    constants |= {"t_dif_offset_ns": 0.0, "t_sum_offset_ns": 0.0, "crosstalk_limit_ns": 1.1}
    constants |= {"q_fb_low_ns": 0.0, "q_fb_high_ns": 200.0}
    constants |= {f"q_fb_c{i}": 0.0 for i in range(5)} | {"is_usable": True}
    constants |= {f"t_slew_{part}": None for part in ("ns", "ref", "low", "high")}
    channels = [(plane, number) for plane in (1, 2, 3, 4) for number in (1, 2, 3, 4)]
    models.put(
        "fct_calibration",
        [{"file_id": FILE_ID, "plane": p, "strip": s} | constants | calibration for p, s in channels],
    )
    widths = pl.read_csv(ROOT / "seeds" / "tot_to_fc.csv")
    models.put("int_tot_segment", pl.DataFrame(fit_segments(widths.to_arrow())))


def hits(models: Models) -> list[dict[str, Any]]:
    return list(models.run("int_strip_hit").iter_rows(named=True))


def test_strip_widths_fill_the_plane(models: Models) -> None:
    widths = models.connection.execute("select sum(width_mm) from strip_geometry group by plane").fetchall()
    assert widths == [(287.0,)] * 4


def test_calibrated_values_and_their_signs(models: Models) -> None:
    put_strips(models, strip(3, 2, 20.0, dt=0.25, dq=2.0), t_sum_offset_ns=1.5, t_dif_offset_ns=0.05)
    hit = hits(models)[0]
    assert hit["t_sum_ns"] == pytest.approx(T_NS - 1.5, abs=1e-5)
    assert hit["t_dif_ns"] == pytest.approx(0.20, abs=1e-5)
    assert hit["x_mm"] == pytest.approx(0.20 * 199.8616, abs=2e-3)
    assert hit["q_sum_ns"] == pytest.approx(20.0, abs=1e-5)
    assert hit["q_dif_ns"] == pytest.approx(2.0, abs=1e-5)
    assert (hit["y_centre_mm"], hit["width_mm"]) == (-49.0, 63.0)
    assert hit["is_accepted"]


def test_charges(models: Models) -> None:
    put_strips(models, *(strip(1, 1, width, event) for event, width in enumerate(CHARGE_FC, start=1)))
    for hit, (width_ns, charge_fc) in zip(hits(models), CHARGE_FC.items(), strict=True):
        assert hit["q_fc"] == pytest.approx(charge_fc, rel=1e-6 if width_ns <= 0 else 2e-5), width_ns
        assert hit["is_charge_extrapolated"] == (width_ns > 390)


def test_front_back_correction_is_held_constant_outside_its_range(models: Models) -> None:
    correction = {100.0: 1 + 0.5, 200.0: 2 + 2.0, 300.0: 2 + 2.0, -2.0: 0.0}
    put_strips(
        models, *(strip(1, 1, q, event) for event, q in enumerate(correction, start=1)), q_fb_c1=1.0, q_fb_c2=0.5
    )
    found = [hit["q_dif_ns"] for hit in hits(models)]
    assert found == pytest.approx([-value for value in correction.values()], abs=1e-4)


def test_time_walk_is_taken_off_and_held_constant_outside_its_range(models: Models) -> None:
    charges = (np.e**2 - 1, np.e**5 - 1, np.e**9 - 1, -0.5)
    walk = {"t_slew_ns": 0.2, "t_slew_ref": 3.0, "t_slew_low": 1.0, "t_slew_high": 5.0}
    put_strips(models, *(strip(1, 1, q, event) for event, q in enumerate(charges, start=1)), **walk)
    found = [hit["t_sum_ns"] for hit in hits(models)]
    assert found == pytest.approx([T_NS + 0.2, T_NS - 0.4, T_NS - 0.4, T_NS + 0.4], abs=2e-5)


def test_bounds_mark_the_strip(models: Models) -> None:
    outside = [strip(1, 1, 20.0, 1, dt=1.01), strip(1, 1, 20.0, 2, dq=-16.1), strip(1, 1, -5.2, 3)]
    put_strips(models, *outside, strip(1, 1, -4.9, 4, dt=-0.99, dq=15.9))
    assert [hit["reject_mask"] for hit in hits(models)] == [2, 4, 8, 0]


@pytest.mark.parametrize(("late_ns", "mask"), [(8.0, 16), (-8.0, 16), (4.9, 0)])
def test_time_window_hangs_on_the_largest_charge(models: Models, late_ns: float, mask: int) -> None:
    put_strips(models, strip(1, 1, 30.0), strip(2, 3, 10.0, t=late_ns), strip(3, 1, 99.0, t=50.0, dt=2.0))
    assert [hit["reject_mask"] for hit in hits(models)] == [0, mask, 18]


def test_equal_charges_fall_to_the_lower_plane(models: Models) -> None:
    put_strips(models, strip(3, 1, 30.0, t=8.0), strip(2, 4, 30.0))
    assert {hit["plane"]: hit["reject_mask"] for hit in hits(models)} == {2: 0, 3: 16}


def test_a_strip_without_calibration_is_kept_and_marked(models: Models) -> None:
    put_strips(models, strip(1, 1, 20.0), is_usable=False)
    hit = hits(models)[0]
    assert (hit["reject_mask"], hit["is_accepted"], hit["q_fc"]) == (1, False, None)


def test_only_two_ended_strips_of_coincidences_count(models: Models) -> None:
    put_strips(
        models,
        strip(1, 1, 20.0),
        strip(2, 1, 20.0, strip_state="one_ended"),
        strip(3, 1, 20.0, event_number=2, trigger_type=2),
    )
    assert [(hit["event_number"], hit["plane"]) for hit in hits(models)] == [(1, 1)]


@pytest.mark.parametrize(
    ("charges", "accepted", "crosstalk", "is_low_charge"),
    [((20.0, 0.8), 1, 1, False), ((0.9, 0.4), 1, 1, True), ((0.9,), 1, 0, True), ((20.0, 1.2), 2, 0, False)],
)
def test_crosstalk_is_told_within_a_plane(
    models: Models, charges: tuple[float, ...], accepted: int, crosstalk: int, is_low_charge: bool
) -> None:
    other_plane = strip(4, 1, 50.0)
    put_strips(models, other_plane, *(strip(2, k, q) for k, q in enumerate(charges, start=1)))
    plane = [hit for hit in hits(models) if hit["plane"] == 2]
    assert sum(hit["is_accepted"] for hit in plane) == accepted
    assert sum(hit["is_crosstalk"] for hit in plane) == crosstalk
    hit = models.run("int_plane_hit").filter(pl.col("plane") == 2).row(0, named=True)
    assert (hit["n_strips"], hit["n_crosstalk"], hit["is_low_charge"]) == (accepted, crosstalk, is_low_charge)


def test_golden_centroid(models: Models) -> None:
    put_strips(models, strip(1, 2, 10.0, dt=0.1), strip(1, 3, 30.0, dt=-0.1, t=1.0), strip(1, 4, 0.5))
    models.run("int_strip_hit")
    hit = models.run("int_plane_hit").row(0, named=True)
    weight = np.array([264.57, 605.73]) / (264.57 + 605.73)
    assert hit["y_mm"] == pytest.approx(-5.152, abs=5e-4)
    assert hit["y_map_mm"] == hit["y_mm"]
    assert hit["x_mm"] == pytest.approx(weight @ (19.98616, -19.98616), abs=1e-3)
    assert hit["t_ns"] == pytest.approx(T_NS + weight[1], abs=1e-4)
    assert hit["q_sum_ns"] == pytest.approx(40.0, abs=1e-4)
    assert (hit["sigma_y_mm"], hit["strip_pattern"], hit["cluster_class"]) == (15.0, "0110", "adjacent_2")


@pytest.mark.parametrize(
    ("file_id", "event_number", "plane", "u"),
    [(125_161_000_000, 7, 3, 0.346225317140), (25_161_000_000, 2, 1, 0.854966231276)],
)
def test_golden_place_on_the_strip(models: Models, file_id: int, event_number: int, plane: int, u: float) -> None:
    models.set_parameters([file_id])
    put_strips(models, strip(plane, 3, 20.0, event_number, file_id=file_id))
    models.connection.execute(f"update fct_calibration set file_id = {file_id}")
    models.run("int_strip_hit")
    hit = models.run("int_plane_hit").row(0, named=True)
    assert hit["y_mm"] == 14.0
    assert hit["y_map_mm"] == pytest.approx(14 + 63 * (u - 0.5), abs=1e-5)
    assert hit["sigma_y_mm"] == pytest.approx(63 / np.sqrt(12), abs=1e-5)


def test_one_strip_alone_is_exactly_at_its_centre(models: Models) -> None:
    charges = np.random.default_rng(4).uniform(-4, 300, 400)
    put_strips(models, *(strip(1 + k % 4, 1 + k // 4 % 4, q, event_number=k) for k, q in enumerate(charges)))
    models.run("int_strip_hit", "int_plane_hit")
    y_and_centre = models.connection.execute("""
        select y_mm, y_centre_mm, t_ns, t_sum_ns
        from int_plane_hit
        inner join int_strip_hit using (file_id, event_number, plane)
    """).fetchall()
    assert len(y_and_centre) == 400
    assert all(y == centre and t == t_sum for y, centre, t, t_sum in y_and_centre)


def test_cluster_classes(models: Models) -> None:
    expected = {
        (4,): ("0001", "single"),
        (1, 2): ("1100", "adjacent_2"),
        (2, 3, 4): ("0111", "adjacent_3"),
        (1, 2, 3, 4): ("1111", "adjacent_4"),
        (1, 3): ("1010", "split"),
        (1, 2, 4): ("1101", "split"),
    }
    put_strips(models, *(strip(2, k, 26.0, event) for event, numbers in enumerate(expected, start=1) for k in numbers))
    models.run("int_strip_hit")
    planes = models.run("int_plane_hit").sort("event_number")
    assert list(zip(planes["strip_pattern"], planes["cluster_class"], strict=True)) == list(expected.values())
    assert planes["is_streamer"].to_list() == [26 * len(numbers) > 100 for numbers in expected]


def test_one_ended_strips_are_counted_by_plane(models: Models) -> None:
    ends = [strip(1, 2, 9.0, strip_state="one_ended"), strip(1, 3, 9.0, strip_state="one_ended")]
    put_strips(models, strip(1, 1, 20.0), strip(2, 1, 20.0), *ends)
    models.run("int_strip_hit")
    planes = models.run("int_plane_hit").sort("plane")
    assert planes["n_one_ended"].to_list() == [2, 0]


def test_labels_of_an_event(models: Models) -> None:
    put_strips(models, strip(1, 1, 20.0), strip(2, 1, 20.0, t=9.0), strip(4, 1, 110.0))
    models.run("int_strip_hit", "int_plane_hit")
    event = models.run("int_event_topology").row(0, named=True)
    assert (event["cal_tt"], event["list_tt"], event["hit_mask"], event["n_planes"]) == (124, 14, 9, 2)
    assert event["n_streamer_planes"] == 1
