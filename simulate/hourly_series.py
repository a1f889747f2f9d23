"""The true hours of a station: air, primary flux, efficiencies and live time, as means over each hour."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.environment import (
    DAY_S,
    LEVELS_HPA,
    Series,
    daily,
    forbush_decrease,
    mass_average_k,
    red_noise,
    scaled,
    standard_profile_k,
    stream,
)
from simulate.hourly import HOUR_S, HourlyNetwork, HourlyStation

YEAR_S = 365.25 * DAY_S
PROFILE_STEP_H = 3
SOLAR_ROTATION_D = 27.0
SOLAR_CYCLE_S = 11 * YEAR_S
REFERENCE_INTERVAL = (np.datetime64("2025-04-25"), np.datetime64("2025-05-22"))
"""The interval of the seed `reference_interval`: there the primary variation is 0 on average."""

GAS_CONSTANT = 29.27  # m/K: of dry air over standard gravity
RED_NOISE_H = 48.0
WARMEST_DAY = 200
ANNUAL_HPA = 2.0


@dataclass(frozen=True)
class Air:
    """Hourly air over a station: pressure (hPa), temperatures (K) and the height of 100 hPa (m), each (hour,)."""

    pressure_hpa: Series
    temp_mass_k: Series
    temp_mass_ref_k: float
    temp_100hpa_k: Series
    height_100hpa_m: Series
    temp_ground_k: Series


def hour_start(network: HourlyNetwork) -> NDArray[np.datetime64]:
    """Start of each hour, UTC."""
    first = np.datetime64(network.start, "us")
    return first + np.arange(network.n_hours) * np.timedelta64(HOUR_S * 1_000_000, "us")


def middle_s(network: HourlyNetwork) -> Series:
    """Middle of each hour, Unix seconds."""
    seconds: Series = hour_start(network).astype(np.int64) / 1e6 + HOUR_S / 2
    return seconds


def band_noise(rng: np.random.Generator, n_hours: int, period_d: float, width: float) -> Series:
    """Gaussian noise of unit variance, its spectrum a bell about a period (days) of ``width`` in ln(frequency).

    Unlike a sum of a few waves it has no phase that lasts: pieces far apart know nothing of each other.
    """
    frequency = np.fft.rfftfreq(n_hours, 1 / 24)
    amplitude = np.zeros(frequency.size)
    amplitude[1:] = np.exp(-((np.log(frequency[1:] * period_d) / width) ** 2) / 4) / np.sqrt(frequency[1:])
    phases = rng.standard_normal(frequency.size) + 1j * rng.standard_normal(frequency.size)
    return scaled(np.fft.irfft(amplitude * phases, n_hours), 1.0)


def make_pressure(network: HourlyNetwork, station: HourlyStation) -> Series:
    """Pressure (hPa): highs and lows of about 5 days, red noise, a yearly wave and the half-daily tide."""
    site, time_s = station.site, middle_s(network)
    rng = stream(network.seed, "hourly-pressure", site.station_id)
    weather = band_noise(rng, network.n_hours, 5.0, 0.5) + 0.3 * red_noise(rng, time_s, 30.0)
    year = -ANNUAL_HPA * np.cos(2 * np.pi * (time_s / YEAR_S - WARMEST_DAY / 365.25))
    tide = network.tide_hpa * daily(time_s, 10.0 - site.longitude_deg / 15.0, cycles=2)
    return site.reference_pressure_hpa + scaled(weather, site.pressure_sigma_hpa) + year + tide


def make_air(network: HourlyNetwork, station: HourlyStation) -> Air:
    """The air over a station. One profile of temperatures gives its mass average, 100 hPa and the height of it.

    The troposphere warms and cools with the season and the weather; the stratosphere has a weather of its own and is
    cold where the troposphere is warm. The profile is known every three hours and linear between.
    """
    site, time_s = station.site, middle_s(network)
    rng = stream(network.seed, "hourly-air", site.station_id)
    pressure = make_pressure(network, station)
    season = np.cos(2 * np.pi * (time_s / YEAR_S - WARMEST_DAY / 365.25))
    weather = 2.5 * band_noise(rng, network.n_hours, 7.0, 0.6)
    weather += network.coupling_k_per_hpa * (pressure - site.reference_pressure_hpa)
    upper = 1.5 * band_noise(rng, network.n_hours, 12.0, 0.5) - 2.0 * season - 0.3 * weather

    standard = standard_profile_k()
    surface_k = float(np.interp(np.log(site.reference_pressure_hpa), np.log(LEVELS_HPA), standard))
    noon = 14.0 - site.longitude_deg / 15.0
    ground_k = surface_k + 1.3 * station.season_k * season + weather + 3.0 * daily(time_s, noon)
    steps = np.unique(np.append(np.arange(0, network.n_hours, PROFILE_STEP_H), network.n_hours - 1))
    shift = (station.season_k * season + weather)[steps]
    log_level = np.log([1.0, 70.0, 200.0, 1000.0])
    below = np.interp(np.log(LEVELS_HPA), log_level, [0.0, 0.0, 1.0, 1.0])
    above = np.interp(np.log(LEVELS_HPA), log_level, [1.0, 1.0, 0.0, 0.0])
    profile_k = standard + shift[:, None] * below + upper[steps, None] * above

    def hourly(values: Series) -> Series:
        joined: Series = np.interp(np.arange(network.n_hours), steps, values)
        return joined

    temp_mass_k = hourly(mass_average_k(profile_k, ground_k[steps], site.reference_pressure_hpa))
    return Air(
        pressure_hpa=pressure,
        temp_mass_k=temp_mass_k,
        temp_mass_ref_k=float(temp_mass_k.mean()),
        temp_100hpa_k=hourly(profile_k[:, int(np.flatnonzero(LEVELS_HPA == 100.0)[0])]),
        height_100hpa_m=hourly(thickness_m(profile_k, ground_k[steps], site.reference_pressure_hpa)),
        temp_ground_k=ground_k,
    )


def thickness_m(profile_k: Series, ground_k: Series, surface_hpa: float) -> Series:
    """Height (m) of 100 hPa over a surface of fixed pressure, hypsometric equation: (n,) from profiles (n, 37)."""
    used = (LEVELS_HPA >= 100.0) & (surface_hpa > LEVELS_HPA)
    log_p = np.append(np.log(LEVELS_HPA[used]), np.log(surface_hpa))
    temp_k = np.column_stack([profile_k[:, used], ground_k])
    total: Series = GAS_CONSTANT * np.sum(np.diff(log_p) * (temp_k[:, 1:] + temp_k[:, :-1]) / 2, axis=1)
    return total


def make_forbush(network: HourlyNetwork) -> Series:
    """All Forbush decreases of the primary flux, %, not above 0."""
    time_s = middle_s(network)
    total = np.zeros(network.n_hours)
    for onset_h, depth_pct in network.forbush:
        total += forbush_decrease(time_s, time_s[0] - HOUR_S / 2 + HOUR_S * onset_h, depth_pct)
    return total


def make_quiet_primary(network: HourlyNetwork) -> Series:
    """Primary variation (%) without Forbush decreases: rotation of the Sun, solar cycle, day.

    With the decreases its mean over the reference interval is 0, as that of a normalised monitor; a span that covers
    less than half of the interval takes its first 27 days instead.
    """
    time_s, start = middle_s(network), hour_start(network)
    rng = stream(network.seed, "hourly-primary")
    rotation = band_noise(rng, network.n_hours, SOLAR_ROTATION_D, 0.2)
    phase = rng.uniform(0, 2 * np.pi)
    cycle = network.cycle_pct * np.sin(2 * np.pi * time_s / SOLAR_CYCLE_S + phase)
    quiet = network.primary_sigma_pct * rotation + cycle + 0.15 * daily(time_s, 15.0)
    reference = (start >= REFERENCE_INTERVAL[0]) & (start < REFERENCE_INTERVAL[1])
    if reference.sum() < SOLAR_ROTATION_D * 12:
        reference = start < start[0] + np.timedelta64(int(SOLAR_ROTATION_D), "D")
    result: Series = quiet - (quiet + make_forbush(network))[reference].mean()
    return result


def make_efficiency(network: HourlyNetwork, station: HourlyStation, air: Air) -> Series:
    """True efficiency of each plane, shape (4, hour): slow drift of its own, and less of it at high pressure."""
    rng = stream(network.seed, "hourly-efficiency", station.site.station_id)
    time_s = middle_s(network)
    level = np.repeat(np.array(station.site.efficiency)[:, None], network.n_hours, axis=1)
    if station.change is not None:
        level[:, station.change.hour :] = np.array(station.change.efficiency)[:, None]
    drift = np.stack([scaled(red_noise(rng, time_s, 30 * 24.0), station.drift) for _ in range(4)])
    with_pressure = station.efficiency_per_hpa * (air.pressure_hpa - station.site.reference_pressure_hpa)
    efficiency: Series = np.clip(level + drift + with_pressure, 0.4, 0.999)
    return efficiency


def make_live_s(network: HourlyNetwork, station: HourlyStation) -> Series:
    """Live seconds of each hour: whole seconds, 0 to 3600."""
    begin = HOUR_S * np.arange(network.n_hours)
    live = np.full(network.n_hours, float(HOUR_S))
    for low_h, high_h in station.site.outages:
        lost = np.minimum(begin + HOUR_S, round(high_h * HOUR_S)) - np.maximum(begin, round(low_h * HOUR_S))
        live -= np.clip(lost, 0, HOUR_S)
    result: Series = np.clip(live, 0.0, HOUR_S)
    return result


def inside(network: HourlyNetwork, spans: tuple[tuple[float, float], ...]) -> NDArray[np.bool_]:
    """Hours whose start lies in one of the spans (hours from the start)."""
    hour = np.arange(network.n_hours)
    within = np.zeros(network.n_hours, dtype=bool)
    for low_h, high_h in spans:
        within |= (hour >= low_h) & (hour < high_h)
    return within
