"""Crosstalk peaks: recovered where there is one, refused where there is none, equal to a general fitting routine."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from warehouse.fit.crosstalk import fit_peaks
from warehouse.fit.histogram import bin_centres

CENTRES = bin_centres(-20, 80, 0.05)


def model(q: np.ndarray, height: float, mu: float, sigma: float, slope: float, base: float) -> np.ndarray:
    return np.asarray(height * np.exp(-((q - mu) ** 2) / (2 * sigma**2)) + slope * q + base)


def histogram(rng: np.random.Generator, *parameters: float) -> np.ndarray:
    return rng.poisson(np.maximum(model(CENTRES, *parameters), 0)).astype(float)


def test_peak_is_recovered() -> None:
    rng = np.random.default_rng(1)
    truth = [(200, 0.45, 0.3, 3, 15), (80, 0.8, 0.5, 0, 5), (500, 0.2, 0.27, -10, 60)]
    peaks = fit_peaks(np.array([histogram(rng, *t) for t in truth]), CENTRES)
    assert peaks.is_accepted.all()
    np.testing.assert_allclose(peaks.mu, [t[1] for t in truth], atol=0.03)
    np.testing.assert_allclose(peaks.sigma, [t[2] for t in truth], atol=0.04)


@pytest.mark.parametrize("seed", range(25))
def test_equal_to_a_general_bounded_fit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = (rng.uniform(50, 300), rng.uniform(-0.2, 1.2), rng.uniform(0.15, 0.6), rng.uniform(-3, 5), 10.0)
    counts = histogram(rng, *truth)
    low, high = [0, -1, 0.25, -np.inf, -np.inf], [2 * counts.max() + 1, 3, 1, np.inf, np.inf]
    expected, _ = curve_fit(
        model, CENTRES, counts, p0=(counts.max(), 0.3, 0.5, 0, counts.min()), bounds=(low, high), xtol=1e-12
    )
    peaks = fit_peaks(counts[None, :], CENTRES)
    assert peaks.mu[0] == pytest.approx(expected[1], abs=2e-4)
    assert peaks.sigma[0] == pytest.approx(expected[2], abs=2e-4)


def test_strips_do_not_influence_each_other() -> None:
    rng = np.random.default_rng(2)
    counts = np.array([histogram(rng, 100 + 20 * k, 0.1 * k, 0.3, 1, 5) for k in range(10)])
    together = fit_peaks(counts, CENTRES)
    for k in range(10):
        alone = fit_peaks(counts[k : k + 1], CENTRES)
        np.testing.assert_allclose([together.mu[k], together.sigma[k]], [alone.mu[0], alone.sigma[0]], atol=1e-6)


@pytest.mark.parametrize(
    "counts", [np.full(80, 50.0), np.linspace(100, 20, 80), np.zeros(80)], ids=["flat", "falling", "empty"]
)
def test_no_peak_is_not_accepted(counts: np.ndarray) -> None:
    assert not fit_peaks(counts[None, :], CENTRES).is_accepted[0]


def test_a_bump_on_a_high_line_is_not_accepted() -> None:
    rng = np.random.default_rng(3)
    assert not fit_peaks(histogram(rng, 100, 0.5, 0.3, 0, 60)[None, :], CENTRES).is_accepted[0]


def test_no_histograms_at_all() -> None:
    assert len(fit_peaks(np.zeros((0, 80)), CENTRES).mu) == 0
