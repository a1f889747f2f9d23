"""The weather over a station and the primary variation: smooth random series with a known seed.

Every series lives on one grid of 10 minutes from the start to the end of the whole days; between grid points it is
linear. The temperature profile is given at three-hour steps, as the reanalysis is, and so is its mass average.
"""

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from simulate.config import NetworkConfig, StationConfig

Series = NDArray[np.float64]

STEP_S = 600
PROFILE_STEP_S = 10_800
DAY_S = 86_400
UPPER_HPA = (1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 125, 150, 175, 200, 225, 250, 300, 350, 400, 450)
LOWER_HPA = (500, 550, 600, 650, 700, 750, 775, 800, 825, 850, 875, 900, 925, 950, 975, 1000)
LEVELS_HPA = np.array([*UPPER_HPA, *LOWER_HPA], dtype=np.float64)
STANDARD_HPA = np.array([1.0, 3.0, 10.0, 30.0, 70.0, 100.0, 200.0, 300.0, 500.0, 700.0, 850.0, 1000.0])
STANDARD_K = np.array([270.0, 250.0, 230.0, 220.0, 214.0, 212.0, 219.0, 229.0, 253.0, 270.0, 279.0, 287.0])
"""A mid-latitude atmosphere in March: temperature at a few levels, linear in ln p between them."""


@dataclass(frozen=True)
class Weather:
    """The true environment of a station on the common grid.

    ``time_s`` are Unix seconds every 10 minutes; ``profile_k`` has shape (n three-hour steps, 37 levels) and
    ``temp_mass_k`` is its mass average on the 10-minute grid (linear between the three-hour steps).
    """

    time_s: Series
    pressure_hpa: Series
    temp_ground_k: Series
    temp_room_degc: Series
    humidity_pct: Series
    profile_time_s: Series
    profile_k: Series
    temp_mass_k: Series
    temp_mass_ref_k: float
    primary_pct: Series


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """An independent stream for each named part, whatever else is simulated and in whichever order."""
    words = [crc32(part.encode()) if isinstance(part, str) else part for part in name]
    return np.random.default_rng([seed, *words])


def generator(config: NetworkConfig, *name: str | int) -> np.random.Generator:
    """The stream of a named part of a network."""
    return stream(config.seed, *name)


def unix_start(config: NetworkConfig) -> int:
    """Start of the span in Unix seconds."""
    return int(np.datetime64(config.start, "s").astype(np.int64))


def n_whole_days(config: NetworkConfig) -> int:
    """Days that environment files cover."""
    return int(np.ceil(config.days - 1e-9))


def grid_s(config: NetworkConfig) -> Series:
    """The common grid, Unix seconds, both ends included."""
    return unix_start(config) + np.arange(n_whole_days(config) * DAY_S // STEP_S + 1, dtype=np.float64) * STEP_S


def oscillations(rng: np.random.Generator, time_s: Series, shortest_d: float, longest_d: float, n: int = 7) -> Series:
    """Sum of ``n`` sines with random periods (uniform in logarithm), phases and amplitudes."""
    period_s = np.exp(rng.uniform(np.log(shortest_d), np.log(longest_d), n)) * DAY_S
    phase = rng.uniform(0, 2 * np.pi, n)
    amplitude = rng.uniform(0.4, 1.0, n)
    waves = amplitude[:, None] * np.sin(2 * np.pi * (time_s - time_s[0]) / period_s[:, None] + phase[:, None])
    total: Series = waves.sum(axis=0)
    return total


def red_noise(rng: np.random.Generator, time_s: Series, decay_h: float) -> Series:
    """Red noise of unit variance: hourly points of a first-order process, joined linearly."""
    n_hours = int((time_s[-1] - time_s[0]) // 3600) + 2
    keep = np.exp(-1.0 / decay_h)
    kicks = rng.standard_normal(n_hours) * np.sqrt(1 - keep * keep)
    value = np.empty(n_hours)
    value[0] = rng.standard_normal()
    for hour in range(1, n_hours):
        value[hour] = keep * value[hour - 1] + kicks[hour]
    joined: Series = np.interp(time_s, time_s[0] + 3600.0 * np.arange(n_hours), value)
    return joined


def scaled(series: Series, sigma: float) -> Series:
    """The series with mean 0 and standard deviation ``sigma``."""
    spread = float(series.std())
    result: Series = (series - series.mean()) * (sigma / spread if spread > 0 else 0.0)
    return result


def without_trend_on(series: Series, other: Series) -> Series:
    """What remains of a series when its linear dependence on another is taken away."""
    centred = other - other.mean()
    slope = float(np.dot(centred, series - series.mean()) / max(float(np.dot(centred, centred)), 1e-12))
    result: Series = series - slope * centred
    return result


def daily(time_s: Series, peak_hour: float, cycles: int = 1) -> Series:
    """Cosine with ``cycles`` a day and its (first) maximum at an hour of UTC."""
    wave: Series = np.cos(2 * np.pi * cycles * (time_s / 3600.0 - peak_hour) / 24.0)
    return wave


def make_pressure(config: NetworkConfig, station: StationConfig) -> Series:
    """Station pressure, hPa: synoptic oscillations of 2.5 to 8 days, red noise and the half-daily tide."""
    rng = generator(config, "pressure", station.station_id)
    time_s = grid_s(config)
    synoptic = scaled(oscillations(rng, time_s, 2.5, 8.0), 1.0) + 0.25 * red_noise(rng, time_s, 30.0)
    return (
        station.reference_pressure_hpa
        + float(rng.uniform(-1.5, 1.5))
        + scaled(synoptic, station.pressure_sigma_hpa)
        + 0.8 * daily(time_s, 10.0 - station.longitude_deg / 15.0, cycles=2)
    )


def forbush_decrease(time_s: Series, onset_s: float, depth_pct: float) -> Series:
    """Forbush decrease (%), not above 0: it falls within 6 h and recovers over 5 days."""
    since_d = (time_s - onset_s) / DAY_S
    decrease: Series = -depth_pct * np.clip(since_d / 0.25, 0.0, 1.0) * np.exp(-np.maximum(since_d - 0.25, 0.0) / 5.0)
    return decrease


def make_primary(config: NetworkConfig) -> Series:
    """Variation of the primary flux common to all stations and monitors, %."""
    rng = generator(config, "primary")
    time_s = grid_s(config)
    slow = oscillations(rng, time_s, 8.0, 27.0, n=4) + 0.5 * red_noise(rng, time_s, 20.0)
    primary = scaled(slow, config.primary_sigma_pct) + 0.15 * daily(time_s, 15.0)
    if config.forbush is not None:
        onset_h, depth_pct = config.forbush
        primary = primary + forbush_decrease(time_s, time_s[0] + 3600.0 * onset_h, depth_pct)
    return primary


def standard_profile_k() -> Series:
    """Temperature of the standard atmosphere at the 37 levels, K."""
    profile: Series = np.interp(np.log(LEVELS_HPA), np.log(STANDARD_HPA), STANDARD_K)
    return profile


def mass_average_k(profile_k: Series, ground_k: Series, surface_hpa: float) -> Series:
    """Mass-averaged temperature over pressure, K, shape (n,) from profiles (n, 37).

    Trapezoids over pressure from 0 to a fixed surface pressure; above the top level its temperature is taken, and
    levels at or below the surface are left out; the last layer ends at the temperature of the ground.
    """
    used = surface_hpa > LEVELS_HPA
    p, t = LEVELS_HPA[used], profile_k[:, used]
    inner = np.sum(np.diff(p) * (t[:, 1:] + t[:, :-1]) / 2, axis=1)
    total: Series = (p[0] * t[:, 0] + inner + (surface_hpa - p[-1]) * (t[:, -1] + ground_k) / 2) / surface_hpa
    return total


@lru_cache(maxsize=32)
def make_weather(config: NetworkConfig, station: StationConfig) -> Weather:
    """The true environment of a station over the whole span."""
    rng = generator(config, "temperature", station.station_id)
    time_s = grid_s(config)
    pressure = make_pressure(config, station)
    primary = make_primary(config)
    season_k = 6.0 * (np.sin(2 * np.pi * time_s / (365.25 * DAY_S)) - np.sin(2 * np.pi * time_s[0] / (365.25 * DAY_S)))
    air_k = scaled(
        oscillations(rng, time_s, 3.0, 12.0) + 0.3 * red_noise(rng, time_s, 48.0), config.temperature_sigma_k
    )
    if config.decorrelate:
        season_k = season_k * 0.0
        air_k = without_trend_on(air_k, pressure)
        primary = without_trend_on(primary, pressure)
    local_noon = 14.0 - station.longitude_deg / 15.0
    standard = standard_profile_k()
    surface_k = float(np.interp(np.log(station.reference_pressure_hpa), np.log(LEVELS_HPA), standard))
    ground_k = surface_k + season_k + air_k + 4.0 * daily(time_s, local_noon)

    steps_s = np.arange(time_s[0], time_s[-1], PROFILE_STEP_S)
    shift_k = np.interp(steps_s, time_s, season_k + air_k)
    shape = np.interp(np.log(LEVELS_HPA), np.log([1.0, 100.0, 250.0, 1000.0]), [0.2, 0.6, 1.0, 1.0])
    profile_k = standard[None, :] + shift_k[:, None] * shape[None, :]
    mass_k = mass_average_k(profile_k, np.interp(steps_s, time_s, ground_k), station.reference_pressure_hpa)
    temp_mass_k = np.interp(time_s, steps_s, mass_k)
    return Weather(
        time_s=time_s,
        pressure_hpa=pressure,
        temp_ground_k=ground_k,
        temp_room_degc=21.0 + scaled(red_noise(rng, time_s, 24.0), 0.6) + 0.5 * daily(time_s, local_noon),
        humidity_pct=np.clip(41.0 + scaled(red_noise(rng, time_s, 36.0), 5.0), 5.0, 95.0),
        profile_time_s=steps_s,
        profile_k=profile_k,
        temp_mass_k=temp_mass_k,
        temp_mass_ref_k=float(temp_mass_k.mean()),
        primary_pct=primary,
    )
