"""Time difference boxes of known place and width."""

import numpy as np
import pytest

from tests.unit.fit.parameters import default_parameters
from warehouse.fit.histogram import bin_centres
from warehouse.fit.time_difference import Box, fit_box

BIN = 0.05
HALF_LENGTH = 0.58  # 116 mm over 199.86 mm/ns
CENTRES = bin_centres(-500, 1000, BIN)


def fit(values: np.ndarray, **changed: float) -> Box | None:
    p = default_parameters() | changed
    counts = np.histogram(values, bins=len(CENTRES), range=(-25, 25))[0].astype(float)
    return fit_box(
        counts,
        CENTRES,
        raw_max_ns=p["t_dif_raw_max_ns"],
        window_ns=p["t_dif_window_ns"],
        core_ns=p["t_dif_core_ns"],
        level=p["t_dif_level"],
        min_entries=p["t_dif_min_entries"],
    )


def hits(rng: np.random.Generator, offset: float, n: int) -> np.ndarray:
    return offset + rng.uniform(-HALF_LENGTH, HALF_LENGTH, n) + rng.normal(0, 0.05, n)


@pytest.mark.parametrize("offset", [-4.3, -0.0573, 0.0, 0.7615, 3.0236])
def test_middle_of_the_box(offset: float) -> None:
    box = fit(hits(np.random.default_rng(1), offset, 100_000))
    assert box is not None
    assert box.middle == pytest.approx(offset, abs=0.006)
    assert 2 * HALF_LENGTH < box.width < 2 * HALF_LENGTH + 0.1  # the edges are smeared by 0.05 ns


def test_small_sample() -> None:
    for seed in range(20):
        box = fit(hits(np.random.default_rng(seed), 1.2, 1_000))
        assert box is not None
        assert box.middle == pytest.approx(1.2, abs=0.06)


def test_uneven_illumination_moves_the_mean_and_not_the_box() -> None:
    rng = np.random.default_rng(2)
    u = rng.uniform(size=200_000)
    slanted = HALF_LENGTH * (-1 + 2 * (np.sqrt(1 + 3 * u) - 1))  # density falls to half along the strip
    box = fit(slanted + rng.normal(0, 0.05, len(u)))
    assert box is not None
    assert abs(slanted.mean()) > 0.05
    assert box.middle == pytest.approx(0.0, abs=0.02)


def test_flat_background() -> None:
    rng = np.random.default_rng(3)
    signal = hits(rng, 0.3, 100_000)
    clean, noisy = fit(signal), fit(np.concatenate([signal, rng.uniform(-15, 15, 5_000)]))
    assert clean is not None
    assert noisy is not None
    assert noisy.middle == pytest.approx(clean.middle, abs=0.003)


@pytest.mark.parametrize("n", [0, 1, 299])
def test_too_few_entries_give_nothing(n: int) -> None:
    assert fit(hits(np.random.default_rng(4), 0.0, n)) is None


def test_entries_outside_the_limit_do_not_count() -> None:
    assert fit(np.full(5_000, 22.0)) is None
