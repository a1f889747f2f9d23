"""The detector's response, recovered from the written text with the true constants."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from simulate.config import DEMO_STATIONS, Layout, OffsetSet, StationConfig
from simulate.file import DetectorFile, simulate_file
from simulate.geometry import LABELS, SPEED_OF_LIGHT_MM_PER_NS, STRIP_SPEED_MM_PER_NS
from simulate.response import THRESHOLD_NS, make_offsets

N_EVENTS = 15_000
Array = NDArray[np.float64]


def read_values(file: DetectorFile) -> Array:
    """Values from the text, ns, shape (n, plane, T front T back Q front Q back, strip); 0 is missing."""
    lines = [line for line in file.content.decode().splitlines() if not line.startswith("#")]
    values = np.array([line.split()[7:] for line in lines], dtype=np.float64)
    return values.reshape(-1, 4, 4, 4)[:, ::-1]


@pytest.fixture(scope="module", params=["production", "simulated"])
def file(request: pytest.FixtureRequest) -> DetectorFile:
    return simulate_file(N_EVENTS, station=StationConfig(0, offsets="random"), layout=request.param, seed=11)


def residuals(file: DetectorFile) -> dict[str, Array]:
    values, offsets = read_values(file), file.offsets
    truth = file.truth().to_pandas()
    strip = np.stack([truth[f"strip_true_p{p}"].fillna(0) for p in range(1, 5)], axis=1)
    x_true = np.stack([truth[f"x_true_p{p}_mm"] for p in range(1, 5)], axis=1)
    is_main = (strip[:, :, None] == np.arange(1, 5)) & (values != 0).all(axis=2)
    path = np.sqrt(1 + truth["x_slope"] ** 2 + truth["y_slope"] ** 2).to_numpy()
    t_true = truth["t0_ns"].to_numpy()[:, None] + path[:, None] * np.array(file.station.z_mm) / SPEED_OF_LIGHT_MM_PER_NS
    t_sum = (values[:, :, 0] + values[:, :, 1]) / 2 - offsets.t_sum - t_true[:, :, None]
    t_dif = (values[:, :, 1] - values[:, :, 0]) / 2 - offsets.t_dif
    x = t_dif * STRIP_SPEED_MM_PER_NS - x_true[:, :, None]
    front, back = values[:, :, 2] - offsets.q_front, values[:, :, 3] - offsets.q_back
    large = is_main & (front > 13) & (back < 250)
    return {"t": t_sum[is_main], "x": x[is_main], "width": ((front - back) / np.sqrt(2))[large]}


def test_residuals(file: DetectorFile) -> None:
    found = residuals(file)
    assert abs(found["x"].mean()) < 0.25
    assert 10.95 < found["x"].std() < 11.25
    assert abs(found["t"].mean()) < 0.010
    assert found["t"].std() == pytest.approx(0.50, abs=0.006)
    assert 0.39 < found["width"].std() < 0.405


def test_written_topology_is_the_truth(file: DetectorFile) -> None:
    has_charge = (read_values(file)[:, :, 2:] != 0).any(axis=(2, 3))
    truth = file.truth()
    for name in ("tt_trigger", "tt_fired"):
        assert LABELS[has_charge @ [1, 2, 4, 8]].tolist() == truth.column(name).to_pylist()


def test_no_width_below_the_threshold_and_a_sharp_edge(file: DetectorFile) -> None:
    values = read_values(file)
    for kind, pedestal in ((2, file.offsets.q_front), (3, file.offsets.q_back)):
        width = (values[:, :, kind] - pedestal)[values[:, :, kind] != 0]
        assert width.min() >= THRESHOLD_NS - 0.0001
        in_first, in_second = (
            (width >= THRESHOLD_NS + k * 0.1) & (width < THRESHOLD_NS + (k + 1) * 0.1) for k in (0, 1)
        )
        assert in_first.sum() > 0.9 * in_second.sum() > 500


def test_times_follow_the_layout(file: DetectorFile) -> None:
    values = read_values(file)
    has_time, has_charge = values[:, :, :2] != 0, values[:, :, 2:] != 0
    if file.content.startswith(b"#"):
        is_active = has_charge.any(axis=(2, 3))
        assert (has_time.all(axis=(2, 3)) == is_active).all()
        assert not has_time[~is_active].any()
        assert len(file.content) == 78 + 662 * N_EVENTS
    else:
        assert (has_time == has_charge).all()
        assert len(file.content) == 687 * N_EVENTS


def test_shares_are_those_of_the_real_telescope(file: DetectorFile) -> None:
    """Shares seen in the independent simulation of the telescope: two-ended, one-ended, single, streamers."""
    values = read_values(file)
    ends = (values[:, :, 2:] != 0).sum(axis=2)
    n_planes = (ends > 0).any(axis=2).sum()
    assert (ends == 2).sum() / n_planes == pytest.approx(1.57, abs=0.06)
    assert (ends == 1).sum() / (ends > 0).sum() == pytest.approx(0.45, abs=0.02)
    width = np.where(ends == 2, (values[:, :, 2] + values[:, :, 3]) / 2, 0) - (
        (file.offsets.q_front + file.offsets.q_back) / 2
    )
    accepted = (ends == 2) & (width > 1.2)
    n_strips = accepted.sum(axis=2)[(ends == 2).any(axis=2)]
    assert (n_strips <= 1).mean() == pytest.approx(0.845, abs=0.015)
    charge = np.where(accepted, width, 0).sum(axis=2)[(ends > 0).any(axis=2)]
    assert charge.mean() == pytest.approx(39.0, abs=1.5)
    assert 0.05 < (charge > 100).mean() < 0.10
    crosstalk = width[(ends == 2) & (width < 1.2)]
    assert 0.25 < len(crosstalk) / (ends == 2).sum() < 0.33
    assert 0.3 < np.median(crosstalk) < 0.9


@pytest.mark.parametrize("station", DEMO_STATIONS.values(), ids=lambda station: str(station.station_id))
def test_times_lie_in_the_station_window(station: StationConfig) -> None:
    """The windows of the cleaning: T -135..-100 ns (station 3: -160..-130), Q from 80 ns (75)."""
    file = simulate_file(4_000, station=replace(station, rate_hz=1.0), layout="production", seed=2)
    values = read_values(file)
    times, charges = values[:, :, :2], values[:, :, 2:]
    low, high, least = (-160, -130, 75) if station.station_id == 3 else (-135, -100, 80)
    assert times[times != 0].min() >= low
    assert times[times != 0].max() <= high
    assert charges[charges != 0].min() >= least
    assert charges.max() <= 600


def test_offset_sets() -> None:
    rng = np.random.default_rng(1)
    ladder = make_offsets("ladder", rng)
    assert ladder.t_front[:, 0].tolist() == [-130, -129, -128, -127]
    assert ladder.t_back[0].tolist() == [-131, -129, -127, -127]
    assert ladder.q_back[3].tolist() == [89, 91, 93, 95]
    real = make_offsets("real", rng)
    assert real.t_dif[3, 3] == pytest.approx(3.0236)
    assert real.t_sum[1, 2] - real.t_sum[0, 0] == pytest.approx(-2.0129)
    assert (real.q_front + real.q_back)[0, 1] / 2 == pytest.approx(98.1961)
    assert (real.q_front - real.q_back)[2, 3] == pytest.approx(1.0554)
    random = make_offsets("random", rng)
    assert np.all((random.t_sum >= -131) & (random.t_sum <= -123))
    assert np.abs(random.t_dif).max() <= 1.2 + 1e-9
    assert np.all((random.q_back - random.q_front >= -1.5) & (random.q_back - random.q_front <= 2))


@pytest.mark.parametrize("kind", ["ladder", "real", "random"])
def test_a_file_depends_on_its_seed_alone(kind: OffsetSet) -> None:
    first = simulate_file(200, station=StationConfig(0, offsets=kind), seed=4)
    again = simulate_file(200, station=StationConfig(0, offsets=kind), seed=4)
    other = simulate_file(200, station=StationConfig(0, offsets=kind), seed=5)
    assert first.content == again.content
    assert first.content != other.content


def test_one_ended_planes() -> None:
    station = StationConfig(0, efficiency=(0.5, 1.0, 1.0, 1.0), one_ended=0.5)
    file = simulate_file(4_000, station=station, layout="production", seed=3)
    truth = file.truth().to_pandas()
    crossing = truth[truth["tt_crossing"] == 1234]
    assert set(crossing["tt_fired"]) == {1234}
    seen = Counter(crossing["tt_two_ended"])
    assert set(seen) == {1234, 234}
    assert seen[234] / len(crossing) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("layout", ["production", "simulated", "legacy"])
def test_a_file_without_events(layout: Layout) -> None:
    file = simulate_file(0, layout=layout)
    assert len(file.content) == (78 if layout == "simulated" else 0)
    assert file.truth().num_rows == 0
    assert file.summary()["n_events"] == 0
