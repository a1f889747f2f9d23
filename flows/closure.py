"""Closure of the corrections: years of simulated hours go through dbt, and what comes out is held against the truth."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from flows.closure_measure import (
    Pull,
    coefficient_pulls,
    efficiency_slopes,
    forbush_shifts,
    half_day_wave,
    read_hours,
    residual_with_pressure,
)
from flows.corrections_home import ancestors, load_seeds, run, write_networks
from simulate.hourly import HourlyNetwork, network_of_years
from simulate.hourly_counts import HourTruth
from warehouse.paths import Paths

USUAL, QUIET, NOISY, COUPLED = range(4)
VARIANTS = ("usual", "no Forbush decrease", "0.4 % red noise of 48 h", "air 0.1 K warmer for each hPa")
RED_NOISE_PCT = 0.4
COUPLING_K_PER_HPA = 0.1
MEAN_WITHIN = 0.3
WIDTH_WITHIN = (0.7, 1.3)
COEFFICIENTS = ("beta", "beta, joint fit", "alpha", "gamma")
N_INFORMED = 5
"""Networks that also go through the variants that are shown as information."""

TARGETS = ("fct_rate", "fct_temperature_coefficient")


@dataclass(frozen=True)
class Rest:
    """What is left in the corrected rate of a station and configuration.

    ``pressure_sigma``, ``pressure_correlation``: slope of the final rate on pressure over its error, and correlation;
    ``flat_sigma`` and ``raw_sigma``: slope on the true efficiency over its error, of the final and of the raw rate;
    ``raw_slope`` itself, 1 if nothing is corrected; ``tide_before_pct`` and ``tide_sigma``: half-daily wave before the
    correction (%), and after it in units of its error.
    """

    pressure_sigma: float
    pressure_correlation: float
    flat_sigma: float
    raw_sigma: float
    raw_slope: float
    tide_before_pct: float
    tide_sigma: float


@dataclass
class Closure:
    """All measurements of all seeds."""

    n_seeds: int
    years: float
    pulls: list[Pull] = field(default_factory=list)
    shifts: list[float] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)


@dataclass(frozen=True)
class PullRow:
    """Pulls of one quantity: their number, mean and width, each with 1 sigma; ``is_held`` None: for information."""

    quantity: str
    variant: str
    n: int
    mean: float
    mean_sigma: float
    width: float
    width_sigma: float
    is_held: bool | None


def variants(years: float, seed: int, stations: tuple[int, ...]) -> list[HourlyNetwork]:
    """The usual network, and what is changed in the others, in the order of `VARIANTS`; the last two inform only."""
    usual = network_of_years(years, seed, stations)
    return [
        usual,
        replace(usual, forbush=()),
        replace(usual, red_noise_pct=RED_NOISE_PCT),
        replace(usual, coupling_k_per_hpa=COUPLING_K_PER_HPA),
    ]


def closure(
    n_seeds: int,
    years: float,
    stations: tuple[int, ...] = (1, 2, 3, 4),
    on_step: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Closure:
    """Simulate, correct and measure ``n_seeds`` networks one after the other, in a scratch folder.

    Raises
    ------
    CorrectionsError
        When dbt fails.
    """
    result = Closure(n_seeds, years)
    with TemporaryDirectory(prefix="mingo-closure-") as folder:
        paths = Paths(Path(folder) / "data")
        load_seeds(paths, list(stations), groups=("all",))
        seeded = Path(folder) / "seeded.duckdb"
        shutil.copyfile(paths.build, seeded)
        for seed in range(1, n_seeds + 1):
            on_step(seed - 1, n_seeds, f"network {seed}")
            shutil.copyfile(seeded, paths.build)
            networks = variants(years, seed, stations)[: None if seed <= N_INFORMED else NOISY]
            truths = write_networks(paths, networks, has_regions=False)
            run(paths, "run", *ancestors(*TARGETS))
            measure(paths.build, networks, truths[USUAL], result)
        on_step(n_seeds, n_seeds, "")
    return result


def measure(build: Path, networks: Sequence[HourlyNetwork], truths: Sequence[HourTruth], result: Closure) -> None:
    """Add to ``result`` what a built network with its variants gives; ``truths`` are of the usual one's stations."""
    pulls = coefficient_pulls(build, networks)
    result.pulls += pulls
    result.shifts += forbush_shifts(pulls, USUAL, QUIET)
    for hours in read_hours(build, networks[USUAL], truths):
        pressure_sigma, correlation = residual_with_pressure(hours)
        flat, flat_error, raw, raw_error = efficiency_slopes(hours)
        before, _ = half_day_wave(hours, hours.rate_eff_hz)
        after, after_error = half_day_wave(hours, hours.rate_final_hz)
        rest = Rest(pressure_sigma, correlation, flat / flat_error, raw / raw_error, raw, before, after / after_error)
        result.rests.append(rest)


def pull_rows(result: Closure) -> list[PullRow]:
    """Pulls of each coefficient in each variant.

    Bounds hold for the usual network. The coefficient of a fit on pressure alone is no partial one where air and
    pressure go together: there it is shown as information, as is everything with red noise.
    """
    rows = []
    for variant in (USUAL, NOISY, COUPLED):
        for quantity in COEFFICIENTS:
            values = [p.pull for p in result.pulls if p.quantity == quantity and p.variant == variant]
            if len(values) > 1:
                rows.append(pull_row(quantity, VARIANTS[variant], values, is_bounded=variant == USUAL))
    return rows


def pull_row(quantity: str, variant: str, values: Sequence[float], *, is_bounded: bool) -> PullRow:
    """Mean and width of pulls against the bounds."""
    mean, width = float(np.mean(values)), float(np.std(values, ddof=1))
    low, high = WIDTH_WITHIN
    is_held = abs(mean) <= MEAN_WITHIN and low <= width <= high if is_bounded else None
    n = len(values)
    return PullRow(quantity, variant, n, mean, width / np.sqrt(n), width, width / np.sqrt(2 * (n - 1)), is_held)
