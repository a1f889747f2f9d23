"""Years of hours with known truth and without single events: what is simulated.

The rate of muons through all planes follows R = R0 exp((beta dP + alpha dT + gamma N) / 100); what the planes see of it
follows their efficiencies, which drift and follow the pressure as well. Nothing here depends on a clock.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from simulate.config import DEMO_STATIONS, StationConfig

HOUR_S = 3600


@dataclass(frozen=True)
class Change:
    """A new configuration: from ``hour`` on other efficiencies and another rate (Hz) under a new number."""

    hour: int
    conf_number: int
    efficiency: tuple[float, float, float, float]
    rate_hz: float


@dataclass(frozen=True)
class HourlyStation:
    """A station.

    Attributes
    ----------
    site
        Coefficients, rate through all planes, first efficiencies, reference pressure, spread of the synoptic pressure,
        and outages (hours from the start; an hour that is hit partly keeps its other seconds).
    change
        Its second configuration, if any.
    season_k
        Amplitude of the yearly wave of the air temperature, K.
    drift
        Standard deviation of the slow drift of each plane's efficiency.
    efficiency_per_hpa
        Change of each plane's efficiency with pressure: denser gas needs a higher voltage.
    pressure_gaps
        Spans (hours) without a pressure.
    """

    site: StationConfig
    change: Change | None = None
    season_k: float = 8.0
    drift: float = 0.010
    efficiency_per_hpa: float = -0.0006
    pressure_gaps: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class HourlyNetwork:
    """A network over years.

    Attributes
    ----------
    forbush
        Forbush decreases: hour from the start, and depth (%).
    primary_sigma_pct, cycle_pct
        Spread of the 27-day variation, and amplitude of the 11-year cycle.
    tide_hpa
        Amplitude of the half-daily tide of the pressure.
    coupling_k_per_hpa
        How much warmer the whole air is where the pressure is higher. Other than 0, a coefficient fitted on pressure
        alone is not the partial one.
    red_noise_pct
        Noise of the rate that no regressor knows, correlated over 48 h.
    monitor_gaps
        Spans (hours) without a value, by monitor.
    counting
        ``poisson``, or ``expected`` for the counts' expectations themselves.
    """

    stations: tuple[HourlyStation, ...]
    start: datetime
    n_hours: int
    seed: int
    forbush: tuple[tuple[int, float], ...] = ()
    primary_sigma_pct: float = 0.6
    cycle_pct: float = 3.0
    tide_hpa: float = 1.0
    coupling_k_per_hpa: float = 0.0
    red_noise_pct: float = 0.0
    monitors: tuple[str, ...] = ("CALM", "KIEL2", "LMKS", "MXCO", "OULU")
    monitor_gaps: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    counting: Literal["poisson", "expected"] = "poisson"

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        if self.n_hours < 1:
            raise ValueError("n_hours must be positive")
        if self.start.tzinfo is not None or self.start.minute or self.start.second:
            raise ValueError(f"start must be a full UTC hour without zone, not {self.start}")


EFFICIENCY = {
    1: (0.92, 0.88, 0.95, 0.85),
    2: (0.90, 0.93, 0.89, 0.91),
    3: (0.94, 0.90, 0.87, 0.93),
    4: (0.88, 0.92, 0.94, 0.90),
}
LATER_EFFICIENCY = (0.89, 0.91, 0.90, 0.92)
RATE_HZ = 15.0
LATER_RATE_HZ = 13.0
SYNOPTIC_HPA = 7.0


def network_of_years(
    years: float = 2.0,
    seed: int = 20250101,
    stations: tuple[int, ...] = (1, 2, 3, 4),
    start: datetime = datetime(2024, 1, 1),
) -> HourlyNetwork:
    """The usual network: stations 1 to 4 at 15 Hz, with everything that happens to a station in years.

    Each station changes its configuration at 45 % of the span, loses days and parts of hours, and misses its pressure
    now and then; a monitor is silent for a month; Forbush decreases come at a quarter and at 70 % of the span.
    """
    n_hours = round(years * 8766)
    return HourlyNetwork(
        stations=tuple(_station(number, n_hours) for number in sorted(set(stations))),
        start=start,
        n_hours=n_hours,
        seed=seed,
        forbush=((n_hours // 4, 5.0), (n_hours * 7 // 10, 8.0)),
        monitor_gaps={"CALM": ((n_hours // 3, n_hours // 3 + 900),), "MXCO": ((n_hours // 8, n_hours // 8 + 240),)},
    )


def _station(number: int, n_hours: int) -> HourlyStation:
    change = n_hours * 45 // 100 + 37 * number
    shift = n_hours // 10 + 200 * number
    site = replace(
        DEMO_STATIONS[number],
        efficiency=EFFICIENCY[number],
        rate_hz=RATE_HZ,
        pressure_sigma_hpa=SYNOPTIC_HPA,
        outages=((shift, shift + 50.5), (change - 5.75, change + 2.4), (3.0 * shift, 3.0 * shift + 0.3)),
    )
    later = Change(change, site.conf_number + 1, LATER_EFFICIENCY, LATER_RATE_HZ)
    return HourlyStation(site, later, pressure_gaps=((shift + 100, shift + 130), (2.5 * shift, 2.5 * shift + 7)))
