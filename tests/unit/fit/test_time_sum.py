"""Time sum offsets: recovered from links made with known ones, whatever is missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.fit.histogram import N_CHANNELS, bin_centres
from warehouse.fit.time_sum import CRT_TRUNCATION, Links, TimeSums, coincidence_resolution, fit_time_sums

CENTRES = bin_centres(-200, 400, 0.1)
PAIRS = [(a, b) for a in range(N_CHANNELS) for b in range(N_CHANNELS) if a // 4 < b // 4]


def links(
    offset: np.ndarray, n: int = 400, *, pairs: list[tuple[int, int]] = PAIRS, sigma: float = 0.7, seed: int = 1
) -> Links:
    rng = np.random.default_rng(seed)
    counts = np.zeros((len(pairs), len(CENTRES)))
    for row, (a, b) in enumerate(pairs):
        values = rng.normal(offset[b] - offset[a], sigma, n)
        counts[row] = np.histogram(values, bins=len(CENTRES), range=(-20, 20))[0]
    a, b = np.array(pairs).T
    return Links(a, b, counts, CENTRES)


def fit(made: Links) -> TimeSums | None:
    return fit_time_sums(made, first_window=20, window=3, passes=2, min_entries=30)


def offsets(seed: int, spread: float = 4.0) -> np.ndarray:
    values = np.random.default_rng(seed).uniform(-spread, spread, N_CHANNELS)
    return np.asarray(values - values[0])


@pytest.mark.parametrize("seed", range(5))
def test_offsets_are_recovered_although_they_exceed_the_window(seed: int) -> None:
    truth = offsets(seed)
    found = fit(links(truth, seed=seed))
    assert found is not None
    assert found.gauge_channel == 0
    assert found.offset[0] == 0
    np.testing.assert_allclose(found.offset, truth, atol=0.06)
    assert found.n_links.tolist() == [12] * N_CHANNELS
    assert found.n_components == 1
    assert found.chi2_ndf == pytest.approx(1, abs=0.5)
    assert found.rms == pytest.approx(0.7 / 20, rel=0.4)
    assert found.last_change < 0.02


def test_formal_errors_describe_the_scatter() -> None:
    pulls = []
    for seed in range(40):
        found = fit(links(offsets(1), seed=100 + seed))
        assert found is not None
        pulls.append((found.offset - offsets(1))[1:] / found.sigma[1:])
    assert np.std(pulls) == pytest.approx(1, abs=0.2)
    assert found.sigma[0] == 0


def test_strips_without_links_get_nothing_and_the_others_the_same() -> None:
    truth = offsets(2)
    missing = {5, 14}
    found = fit(links(truth, pairs=[p for p in PAIRS if not missing & set(p)]))
    assert found is not None
    assert set(np.flatnonzero(np.isnan(found.offset))) == missing
    kept = [k for k in range(N_CHANNELS) if k not in missing]
    np.testing.assert_allclose(found.offset[kept], truth[kept], atol=0.06)


def test_gauge_moves_to_the_lowest_strip_when_the_first_has_no_link() -> None:
    truth = offsets(3)
    found = fit(links(truth, pairs=[p for p in PAIRS if 0 not in p]))
    assert found is not None
    assert found.gauge_channel == 1
    assert np.isnan(found.offset[0])
    np.testing.assert_allclose(found.offset[1:], truth[1:] - truth[1], atol=0.06)


def test_largest_connected_part_is_taken() -> None:
    truth = offsets(4)
    small, large = {0, 4}, {1, 2, 5, 8, 9, 12}
    found = fit(links(truth, pairs=[p for p in PAIRS if set(p) <= small or set(p) <= large]))
    assert found is not None
    assert found.n_components == 2
    assert set(np.flatnonzero(np.isfinite(found.offset))) == large
    assert found.gauge_channel == 1


def test_too_few_entries_give_nothing() -> None:
    assert fit(links(offsets(5), n=29)) is None


def test_one_link_alone() -> None:
    found = fit(links(offsets(6), pairs=[(2, 9)]))
    assert found is not None
    assert found.offset[9] == pytest.approx(offsets(6)[9] - offsets(6)[2], abs=0.15)
    assert np.isnan(found.chi2_ndf)


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.integers(1, 15))
def test_shifting_a_strip_shifts_its_offset_only(shift: float, channel: int) -> None:
    base = offsets(7, spread=3)
    moved = base.copy()
    moved[channel] += shift
    before, after = fit(links(base, n=200)), fit(links(moved, n=200))
    assert before is not None
    assert after is not None
    expected = before.offset.copy()
    expected[channel] += shift
    np.testing.assert_allclose(after.offset, expected, atol=0.03)


@pytest.mark.parametrize("sigma", [0.3, 0.7])
def test_resolution_of_a_plane(sigma: float) -> None:
    crt = coincidence_resolution(links(offsets(8), n=5_000, sigma=sigma))
    assert crt / CRT_TRUNCATION == pytest.approx(sigma / np.sqrt(2), rel=0.02)


def test_resolution_ignores_tails_and_needs_entries() -> None:
    made = links(offsets(9), n=99)
    assert np.isnan(coincidence_resolution(made))
    full = links(offsets(9), n=5_000)
    full.counts[:, 5] += 100  # 2 % of the entries 20 ns off
    assert coincidence_resolution(full) / CRT_TRUNCATION == pytest.approx(0.7 / np.sqrt(2), rel=0.06)
