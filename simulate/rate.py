"""How the muon rate follows the environment, and when events happen.

R(t) = R0 exp((beta (P - P_ref) + alpha (T_mass - T_ref) + gamma N) / 100), with N the primary variation in %.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.config import NetworkConfig, StationConfig
from simulate.environment import Series, Weather, unix_start

SELF_TRIGGER_HOUR = 4
SELF_TRIGGER_S = 300


@dataclass(frozen=True)
class FileSpan:
    """The span of one detector file in Unix seconds, [begin, end)."""

    begin_s: int
    end_s: int


def relative_rate(
    station: StationConfig, pressure_delta_hpa: Series, temp_delta_k: Series, primary_pct: Series
) -> Series:
    """Rate over the rate at reference conditions."""
    percent = (
        station.beta_pct_per_hpa * pressure_delta_hpa
        + station.alpha_pct_per_k * temp_delta_k
        + station.gamma_pct_per_pct * primary_pct
    )
    factor: Series = np.exp(percent / 100.0)
    return factor


def rate_factor(station: StationConfig, weather: Weather) -> Series:
    """Rate over the rate at reference conditions, on the grid of the weather."""
    return relative_rate(
        station,
        weather.pressure_hpa - station.reference_pressure_hpa,
        weather.temp_mass_k - weather.temp_mass_ref_k,
        weather.primary_pct,
    )


def file_spans(config: NetworkConfig, station: StationConfig) -> list[FileSpan]:
    """Files one after another, a new one after each outage."""
    begin = unix_start(config)
    end = begin + round(config.days * 86_400)
    cuts = [begin]
    for low_h, high_h in sorted(station.outages):
        cuts += [begin + round(low_h * 3600), begin + round(high_h * 3600)]
    cuts.append(end)
    step = round(config.file_hours * 3600)
    spans = []
    for low, high in zip(cuts[::2], cuts[1::2], strict=True):
        for first in range(low, min(high, end), step):
            spans.append(FileSpan(first, min(first + step, high, end)))
    return [span for span in spans if span.end_s - span.begin_s >= 60]


def event_times(
    rng: np.random.Generator, station: StationConfig, weather: Weather, span: FileSpan
) -> NDArray[np.float64]:
    """Sorted times (Unix seconds) of a Poisson process whose rate follows the environment."""
    inner = weather.time_s[(weather.time_s > span.begin_s) & (weather.time_s < span.end_s)]
    knots = np.concatenate([[float(span.begin_s)], inner, [float(span.end_s)]])
    rate_hz = station.rate_hz * np.interp(knots, weather.time_s, rate_factor(station, weather))
    expected = np.concatenate([[0.0], np.cumsum(np.diff(knots) * (rate_hz[1:] + rate_hz[:-1]) / 2)])
    n_events = int(rng.poisson(expected[-1]))
    times: NDArray[np.float64] = np.interp(np.sort(rng.random(n_events)) * expected[-1], expected, knots)
    return times


def self_trigger_times(rng: np.random.Generator, station: StationConfig, span: FileSpan) -> NDArray[np.float64]:
    """Sorted times of the self-triggers of a file: a block of 300 s at 04:00 each day."""
    first_day = span.begin_s // 86_400
    blocks = []
    for day in range(first_day, span.end_s // 86_400 + 1):
        low = day * 86_400 + SELF_TRIGGER_HOUR * 3600
        n_events = int(rng.poisson(station.self_trigger_hz * SELF_TRIGGER_S))
        blocks.append(low + SELF_TRIGGER_S * np.sort(rng.random(n_events)))
    times = np.concatenate(blocks) if blocks else np.empty(0)
    inside: NDArray[np.float64] = times[(times >= span.begin_s) & (times < span.end_s)]
    return inside
