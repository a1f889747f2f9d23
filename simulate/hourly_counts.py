"""What the planes count in each hour, given the true rate and efficiencies."""

from dataclasses import dataclass

import numpy as np

from simulate.environment import Series, red_noise, stream
from simulate.hourly import HourlyNetwork, HourlyStation
from simulate.hourly_series import (
    RED_NOISE_H,
    Air,
    hour_start,
    inside,
    make_air,
    make_efficiency,
    make_forbush,
    make_live_s,
    make_quiet_primary,
    middle_s,
)
from simulate.hourly_tables import FIDUCIAL, PATTERNS, REGIONS, TELESCOPE, Hours
from simulate.rate import relative_rate

FIDUCIAL_SHARE = {1: 0.80, 4: 0.75}
OUTER_SHARE = 0.15
"""Tracks that miss plane 1, and as many that miss plane 4, for each track through all planes."""

ACCIDENTAL_HZ = 0.02
RING_EDGE_DEG = np.array([0.0, 5.0, 15.0, 25.0, 90.0])
SKY_EXPONENT = 8
"""Tracks by zenith angle follow cos^n: the flux, and what a telescope of four planes sees of it."""


@dataclass(frozen=True)
class HourTruth:
    """What is true of each hour of a station.

    ``rate_hz`` is the rate of muons through all planes, shape (hour,), ``rate_ref_hz`` the same at reference
    conditions; ``efficiency`` has shape (4, hour).
    """

    air: Air
    primary_pct: Series
    rate_ref_hz: Series
    rate_hz: Series
    efficiency: Series
    conf_number: Series


def pattern_share(pattern: str, efficiency: Series) -> Series:
    """Chance that a track through all planes fires exactly those of ``pattern``; ``efficiency`` is (4, ...)."""
    share: Series = np.ones_like(efficiency[0])
    for plane in range(4):
        share = share * (efficiency[plane] if str(plane + 1) in pattern else 1.0 - efficiency[plane])
    return share


def region_shares() -> Series:
    """Share of each of the 25 regions among the tracks: rings by zenith, sectors of a ring alike."""
    cosine = np.cos(np.radians(RING_EDGE_DEG)) ** (SKY_EXPONENT + 1)
    ring = cosine[:-1] - cosine[1:]
    shares: Series = np.concatenate([[ring[0]], np.repeat(ring[1:] / 8, 8)])
    normalised: Series = shares / shares.sum()
    return normalised


def make_truth(network: HourlyNetwork, station: HourlyStation) -> HourTruth:
    """The true hours of a station."""
    site, n_hours = station.site, network.n_hours
    air = make_air(network, station)
    rate_ref = np.full(n_hours, site.rate_hz)
    conf_number = np.full(n_hours, float(site.conf_number))
    if station.change is not None:
        rate_ref[station.change.hour :] = station.change.rate_hz
        conf_number[station.change.hour :] = station.change.conf_number
    primary = make_quiet_primary(network) + make_forbush(network)
    factor = relative_rate(
        site, air.pressure_hpa - site.reference_pressure_hpa, air.temp_mass_k - air.temp_mass_ref_k, primary
    )
    noise = red_noise(stream(network.seed, "hourly-noise", site.station_id), middle_s(network), RED_NOISE_H)
    return HourTruth(
        air=air,
        primary_pct=primary,
        rate_ref_hz=rate_ref,
        rate_hz=rate_ref * factor * np.exp(network.red_noise_pct / 100.0 * noise),
        efficiency=make_efficiency(network, station, air),
        conf_number=conf_number,
    )


def expected_counts(rate_hz: Series, live_s: Series, efficiency: Series) -> dict[str, tuple[Series, Series]]:
    """Expected counts of each pattern from tracks through all planes, and from tracks that miss an outer plane."""
    n_track = rate_hz * live_s
    without_1, without_4 = efficiency.copy(), efficiency.copy()
    without_1[0] = without_4[3] = 0.0
    return {
        pattern: (
            n_track * pattern_share(pattern, efficiency),
            n_track * OUTER_SHARE * (pattern_share(pattern, without_1) + pattern_share(pattern, without_4)),
        )
        for pattern in PATTERNS
    }


class _Counter:
    """Draws counts, or hands back their expectations."""

    def __init__(self, rng: np.random.Generator, is_random: bool, kept: Series) -> None:
        self.rng, self.is_random, self.kept = rng, is_random, kept

    def poisson(self, expected: Series) -> Series:
        return self.rng.poisson(expected).astype(np.float64) if self.is_random else expected

    def thinned(self, expected_without_forbush: Series) -> Series:
        """What a Forbush decrease leaves of the counts there would have been without it.

        A network with one and a network without one then differ in nothing else: the thinning draws from a stream of
        its own, and moves no other number.
        """
        count = self.poisson(expected_without_forbush)
        if not self.is_random:
            return count * self.kept
        own = np.random.default_rng(self.rng.integers(2**32))
        drawn: Series = own.binomial(count.astype(np.int64), self.kept).astype(np.float64)
        return drawn

    def split(self, count: Series, shares: Series) -> Series:
        """Counts in regions, shape (hour, region), that add up to ``count``."""
        if not self.is_random:
            return count[:, None] * shares
        own = np.random.default_rng(self.rng.integers(2**32))
        drawn: Series = own.multinomial(count.astype(np.int64), shares).astype(np.float64)
        return drawn


def make_hours(network: HourlyNetwork, station: HourlyStation, truth: HourTruth) -> Hours:
    """The hours of a station as its tables show them; no counts where nothing was live."""
    site, start = station.site, hour_start(network)
    live_s = make_live_s(network, station)
    is_random = network.counting == "poisson"
    share_1, share_4 = FIDUCIAL_SHARE[1], FIDUCIAL_SHARE[4]
    kept = np.exp(site.gamma_pct_per_pct / 100.0 * make_forbush(network))
    counter = _Counter(stream(network.seed, "hourly-count", site.station_id), is_random, kept)
    expected = expected_counts(truth.rate_hz / kept, live_s, truth.efficiency)
    well_inside = {
        tt: {
            (in_1, in_4): counter.thinned(
                inner * (share_1 if in_1 else 1 - share_1) * (share_4 if in_4 else 1 - share_4)
            )
            for in_1 in (True, False)
            for in_4 in (True, False)
        }
        for tt, (inner, _) in expected.items()
    }
    counts = {tt: sum(well_inside[tt].values(), counter.thinned(outer)) for tt, (_, outer) in expected.items()}
    fiducial = {
        (plane, tt): well_inside[tt][True, True] + well_inside[tt][(True, False) if plane == 1 else (False, True)]
        for plane, tt in FIDUCIAL
    }
    region = counter.split(sum((counts[tt] for tt in TELESCOPE), np.zeros(network.n_hours)), region_shares())
    noise = {tt: counter.poisson(ACCIDENTAL_HZ * live_s) for tt in PATTERNS if len(tt) == 2}
    has_no_pressure = inside(network, station.pressure_gaps)
    pressure = np.where(has_no_pressure, np.nan, truth.air.pressure_hpa)
    return Hours(
        station_id=site.station_id,
        start=start,
        live_s=live_s,
        counts=counts,
        fiducial=fiducial,
        region={code: region[:, k] for k, code in enumerate(REGIONS)},
        list_counts={tt: counts[tt] + noise.get(tt, 0.0) for tt in PATTERNS},
        conf_number=truth.conf_number,
        triggers=site.triggers,
        is_whole=is_random,
        environment={
            "pressure_lab_hpa": pressure,
            "pressure_ext_hpa": pressure,
            "hv_neg_kv": np.full(network.n_hours, 5.5),
            "hv_pos_kv": np.full(network.n_hours, 5.5),
            "temp_ext_degc": truth.air.temp_ground_k - 273.15,
            "temp_ground_k": truth.air.temp_ground_k,
            "temp_100hpa_k": truth.air.temp_100hpa_k,
            "height_100hpa_m": truth.air.height_100hpa_m,
            "temp_mass_avg_k": truth.air.temp_mass_k,
            "era5_surface_pressure_hpa": truth.air.pressure_hpa,
        },
    )
