"""Pedestals from synthetic spectra whose lower edge is known."""

import numpy as np
import pytest

from tests.unit.fit.parameters import default_parameters
from warehouse.fit.histogram import N_CHANNELS, Dense
from warehouse.fit.pedestal import ALIGN, fit_pedestals

BIN = 0.05
FIRST_BIN = 1_600  # 80 ns


def spectra(widths: list[np.ndarray]) -> Dense:
    """One histogram per channel (missing ones stay empty) of pulse widths, ns."""
    counts = np.zeros((N_CHANNELS, 200 * ALIGN))
    for channel, values in enumerate(widths):
        np.add.at(counts[channel], np.floor(values / BIN).astype(int) - FIRST_BIN, 1)
    return Dense(counts, FIRST_BIN)


def fit(histograms: Dense, **changed: float) -> np.ndarray:
    p = default_parameters() | changed
    return fit_pedestals(
        histograms,
        bin_ns=p["q_bin_ns"],
        edge_rel=p["q_edge_rel"],
        edge_abs=p["q_edge_abs"],
        edge_run=int(p["q_edge_run"]),
        edge_bin_min=p["q_edge_bin_min"],
        min_entries=p["q_min_entries"],
        threshold_width_ns=p["q_threshold_width_ns"],
    )


def widths(rng: np.random.Generator, pedestal: float, n: int) -> np.ndarray:
    """Widths above a sharp threshold: a crosstalk peak, and a broad tail."""
    near = 0.138 + rng.exponential(0.8, n // 4)
    far = 0.138 + rng.exponential(30.0, n - n // 4)
    return pedestal + np.concatenate([near, np.minimum(far, 90)])


@pytest.mark.parametrize(("n", "bound"), [(10_000, 0.02), (1_000, 0.06)])
def test_edge_is_found_for_every_channel(n: int, bound: float) -> None:
    rng = np.random.default_rng(n)
    truth = rng.uniform(84, 98, N_CHANNELS)
    found = fit(spectra([widths(rng, pedestal, n) for pedestal in truth]))
    assert np.abs(found - truth).max() <= bound


def test_flat_background_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    signal = widths(rng, 92.0, 20_000)
    background = rng.uniform(80, 200, 600)
    alone = fit(spectra([signal]))[0]
    assert fit(spectra([np.concatenate([signal, background])]))[0] == pytest.approx(alone, abs=0.01)


def test_one_hot_bin_does_not_raise_the_threshold() -> None:
    rng = np.random.default_rng(4)
    signal = widths(rng, 90.0, 10_000)
    hot = np.full(100_000, 120.01)
    assert fit(spectra([np.concatenate([signal, hot])]))[0] == pytest.approx(90.0, abs=0.02)


def test_too_few_entries_give_nothing() -> None:
    rng = np.random.default_rng(5)
    assert np.isnan(fit(spectra([widths(rng, 90.0, 499)]))).all()
    assert np.isfinite(fit(spectra([widths(rng, 90.0, 500)]))[0])


def test_entries_scattered_everywhere_give_nothing() -> None:
    evenly = 80.025 + 0.05 * 20 * np.arange(160)  # one entry a nanosecond: no run at any rebinning
    assert np.isnan(fit(spectra([np.repeat(evenly, 1)]), q_min_entries=100)).all()


def test_coarse_bins_take_over_where_fine_ones_are_thin() -> None:
    evenly = 90 + 0.138 + np.arange(0, 60, 0.02)  # 2.5 entries a bin: below the content five bins need
    found = fit(spectra([evenly]))[0]
    assert found == pytest.approx(90.0, abs=0.3)


def test_no_entries_at_all() -> None:
    assert np.isnan(fit(Dense(np.zeros((N_CHANNELS, ALIGN)), 0))).all()
