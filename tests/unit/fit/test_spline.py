"""The charge curve: golden values, and what makes a natural cubic spline."""

import csv

import numpy as np
import pyarrow as pa
import pytest

from tests.conftest import ROOT
from warehouse.fit.spline import fit_segments, natural_spline


def points() -> pa.Table:
    with (ROOT / "seeds" / "tot_to_fc.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return pa.table({name: [float(row[name]) for row in rows] for name in ("width_ns", "charge_fc")})


def charge(segments: pa.Table, width: float) -> float:
    row = segments.to_pylist()[min(int(max(width, 0.0) // 10), segments.num_rows - 1)]
    d = max(width, 0.0) - row["x0_ns"]
    return float(row["c0"] + d * (row["c1"] + d * (row["c2"] + d * row["c3"])))


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (1, 63.7543),
        (5, 155.657),
        (15, 362.5439),
        (75, 1050.7287),
        (95, 1176.3968),
        (123.4, 1329.5041),
        (310, 2462.5),
        (315, 2497.2939),
        (385, 3054.1403),
        (-5, 40.53),
    ],
)
def test_golden_charges(width: float, expected: float) -> None:
    assert charge(fit_segments(points()), width) == pytest.approx(expected, abs=5e-4 if width == 5 else 5e-5)


def test_golden_coefficients() -> None:
    rows = fit_segments(points()).to_pylist()
    assert len(rows) == 39
    assert rows[0]["c1"] == pytest.approx(23.2325426, abs=1e-7)
    assert rows[0]["c2"] == 0
    assert rows[0]["c3"] == pytest.approx(-0.00828542647, abs=1e-11)
    assert rows[31]["c1"] == pytest.approx(6.92239555, abs=1e-8)
    assert rows[31]["c2"] == pytest.approx(0.0067959521, abs=1e-10)
    assert rows[31]["c3"] == pytest.approx(0.0000964493, abs=1e-10)


def test_end_slope_beyond_the_last_point() -> None:
    last = fit_segments(points()).to_pylist()[-1]
    slope = last["c1"] + 2 * 10 * last["c2"] + 3 * 100 * last["c3"]
    assert charge(fit_segments(points()), 390) + 10 * slope == pytest.approx(3195.5926, abs=5e-5)
    assert slope == pytest.approx(9.439259, abs=1e-6)


def test_order_of_the_points_does_not_matter() -> None:
    shuffled = points().take(np.random.default_rng(1).permutation(40))
    assert fit_segments(shuffled).equals(fit_segments(points()))


def test_curve_is_smooth_and_ends_straight() -> None:
    rng = np.random.default_rng(2)
    x = np.cumsum(rng.uniform(0.1, 3, 12))
    y = rng.normal(size=12)
    c = natural_spline(x, y)
    h = np.diff(x)
    value = c[:, 0] + h * (c[:, 1] + h * (c[:, 2] + h * c[:, 3]))
    slope = c[:, 1] + h * (2 * c[:, 2] + 3 * h * c[:, 3])
    curvature = 2 * c[:, 2] + 6 * h * c[:, 3]
    np.testing.assert_allclose(value, y[1:], atol=1e-12)
    np.testing.assert_allclose(slope[:-1], c[1:, 1], atol=1e-11)
    np.testing.assert_allclose(curvature[:-1], 2 * c[1:, 2], atol=1e-11)
    np.testing.assert_allclose([c[0, 2], curvature[-1]], 0, atol=1e-12)


@pytest.mark.parametrize("x", [[0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 1.0, 1.0]])
def test_impossible_points_are_refused(x: list[float]) -> None:
    with pytest.raises(ValueError, match="increasing"):
        natural_spline(np.array(x), np.zeros(len(x)))
