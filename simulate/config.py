"""What is simulated: the stations, the span, the seed and how much of everything. Nothing here depends on a clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

OffsetSet = Literal["ladder", "real", "random"]
Container = Literal["plain", "gz", "tar_gz"]
Layout = Literal["production", "simulated", "legacy"]

PAIR_TRIGGERS = (12, 23, 34, 13)
TRIPLE_TRIGGERS = (123, 234, 134, 124)
TIME_SHIFT_NS = {0: -5.0, 3: -27.0}


@dataclass(frozen=True)
class StationConfig:
    """One station.

    Attributes
    ----------
    z_mm
        Heights of planes 1 to 4, mm, downward, plane 1 at 0.
    triggers
        Plane combinations that start a readout, as labels (12 = planes 1 and 2).
    efficiency
        Probability per plane that a track inside the active area gives a strip seen at both ends.
    one_ended
        Further probability that the crossed plane shows one end of one strip only.
    is_path_felt
        Efficiencies are those of vertical tracks, and inclined ones ionise more often along their longer path in the
        gas: they are missed less often and leave more charge.
    beta_pct_per_hpa, alpha_pct_per_k, gamma_pct_per_pct
        True coefficients of the rate on pressure, mass-averaged temperature and primary variation.
    rate_hz
        Rate of triggered events at the reference pressure and temperature without primary variation.
    cos_exponent
        Exponent n of the muon intensity cos^n(zenith).
    time_shift_ns
        Lower end of the common trigger jitter (uniform over 10 ns); NULL takes the value of the station, so that hits
        lie inside the station's time window.
    outages
        Spans without data taking, as hours from the start of the network.
    pressure_sigma_hpa
        Standard deviation of the pressure over the simulated span.
    self_trigger_hz
        Rate of self-triggers during the daily block (04:00 UTC, 300 s); 0 switches it off.
    """

    station_id: int
    z_mm: tuple[float, float, float, float] = (0.0, 150.0, 300.0, 450.0)
    triggers: tuple[int, ...] = PAIR_TRIGGERS
    efficiency: tuple[float, float, float, float] = (0.95, 0.92, 0.94, 0.90)
    one_ended: float = 0.004
    is_path_felt: bool = False
    beta_pct_per_hpa: float = -0.20
    alpha_pct_per_k: float = -0.25
    gamma_pct_per_pct: float = 0.3
    rate_hz: float = 12.0
    cos_exponent: float = 2.0
    offsets: OffsetSet = "ladder"
    time_shift_ns: float | None = None
    conf_number: int = 1
    phi_north_deg: float = 0.0
    city: str = "simulated"
    reference_pressure_hpa: float = 940.0
    latitude_deg: float = 40.4168
    longitude_deg: float = -3.7038
    pressure_sigma_hpa: float = 8.0
    self_trigger_hz: float = 7.0
    outages: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        if not 0 <= self.station_id <= 9:
            raise ValueError(f"station_id {self.station_id} is not a digit")
        if list(self.z_mm) != sorted(set(self.z_mm)) or len(self.z_mm) != 4:
            raise ValueError(f"z_mm {self.z_mm}: four increasing heights are needed")
        if not all(0.0 <= e <= 1.0 for e in self.efficiency) or not 0.0 <= self.one_ended <= 1.0:
            raise ValueError(f"efficiencies must lie in 0..1, not {self.efficiency}, {self.one_ended}")
        if self.is_path_felt and max(self.efficiency) == 1.0:
            raise ValueError("an efficiency of 1 has no finite number of ionisations")
        if not self.rate_hz > 0:
            raise ValueError(f"rate_hz must be positive, not {self.rate_hz}")
        for label in self.triggers:
            digits = str(label)
            if len(digits) < 2 or list(digits) != sorted(set(digits)) or not set(digits) <= set("1234"):
                raise ValueError(f"trigger {label} is not a combination of at least two planes in order")

    @property
    def jitter_low_ns(self) -> float:
        """Lower end of the common trigger jitter, ns."""
        return TIME_SHIFT_NS.get(self.station_id, 0.0) if self.time_shift_ns is None else self.time_shift_ns


@dataclass(frozen=True)
class NetworkConfig:
    """A network: its stations, its span and what is wrong with its files.

    Attributes
    ----------
    start
        First instant, UTC without zone, at midnight.
    days
        Length; environment files cover whole days, data taking ends with the span.
    file_hours
        Length of a detector file, h.
    defect_share, log_defect_share
        Share of defective lines in detector files and in lab logs.
    temperature_sigma_k, primary_sigma_pct
        Spread of the mass-averaged temperature and of the primary variation over the span.
    forbush
        Start (h from the start of the network) and depth (%) of a Forbush decrease, if any.
    decorrelate
        Leave out the season, and make temperature and primary variation orthogonal to each station's pressure over the
        span, so that a fit on pressure alone is unbiased even for a short span. Off for studies of the temperature.
    event_truth
        Also write one truth row per data line.
    """

    stations: tuple[StationConfig, ...]
    start: datetime
    days: float
    seed: int
    file_hours: float = 24.0
    defect_share: float = 0.002
    log_defect_share: float = 0.001
    container: Container = "plain"
    temperature_sigma_k: float = 0.5
    primary_sigma_pct: float = 0.3
    forbush: tuple[float, float] | None = None
    decorrelate: bool = True
    event_truth: bool = False
    monitors: tuple[str, ...] = field(default=("CALM", "KIEL2", "LMKS", "MXCO", "OULU"))

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        ids = [station.station_id for station in self.stations]
        if not ids or len(set(ids)) != len(ids):
            raise ValueError(f"stations must be present and different, not {ids}")
        if self.start.tzinfo is not None or (self.start.hour, self.start.minute, self.start.second) != (0, 0, 0):
            raise ValueError(f"start must be a UTC midnight without zone, not {self.start}")
        if self.days <= 0 or self.file_hours <= 0:
            raise ValueError("days and file_hours must be positive")

    @property
    def end(self) -> datetime:
        """End of the span, UTC."""
        return self.start + timedelta(days=self.days)


DEMO_START = datetime(2025, 3, 3)
DEMO_STATIONS = {
    1: StationConfig(
        station_id=1,
        z_mm=(0.0, 65.0, 130.0, 195.0),
        triggers=TRIPLE_TRIGGERS,
        efficiency=(0.955, 0.935, 0.945, 0.930),
        one_ended=0.0,
        beta_pct_per_hpa=-0.20,
        rate_hz=0.13,
        offsets="real",
        conf_number=21,
        phi_north_deg=12.5,
        city="Madrid",
        reference_pressure_hpa=940.0,
        pressure_sigma_hpa=11.0,
        self_trigger_hz=0.3,
    ),
    2: StationConfig(
        station_id=2,
        z_mm=(0.0, 70.0, 140.0, 210.0),
        triggers=TRIPLE_TRIGGERS,
        efficiency=(0.930, 0.960, 0.920, 0.950),
        one_ended=0.0,
        beta_pct_per_hpa=-0.16,
        rate_hz=0.13,
        offsets="ladder",
        conf_number=3,
        phi_north_deg=-35.0,
        city="Warsaw",
        reference_pressure_hpa=1004.0,
        latitude_deg=52.2297,
        longitude_deg=21.0122,
        pressure_sigma_hpa=12.0,
        self_trigger_hz=0.3,
        outages=((130.0, 137.5),),
    ),
    3: StationConfig(
        station_id=3,
        z_mm=(0.0, 65.0, 130.0, 195.0),
        triggers=TRIPLE_TRIGGERS,
        efficiency=(0.940, 0.950, 0.955, 0.935),
        one_ended=0.0,
        beta_pct_per_hpa=-0.24,
        rate_hz=0.13,
        offsets="random",
        conf_number=2,
        phi_north_deg=90.0,
        city="Puebla",
        reference_pressure_hpa=790.0,
        latitude_deg=19.0413,
        longitude_deg=-98.2062,
        pressure_sigma_hpa=10.5,
        self_trigger_hz=0.3,
    ),
    4: StationConfig(
        station_id=4,
        z_mm=(0.0, 60.0, 120.0, 180.0),
        triggers=TRIPLE_TRIGGERS,
        efficiency=(0.965, 0.925, 0.950, 0.945),
        one_ended=0.0,
        beta_pct_per_hpa=-0.18,
        rate_hz=0.13,
        offsets="random",
        conf_number=5,
        phi_north_deg=0.0,
        city="Monterrey",
        reference_pressure_hpa=955.0,
        latitude_deg=25.6866,
        longitude_deg=-100.3161,
        pressure_sigma_hpa=11.0,
        self_trigger_hz=0.3,
    ),
}


def demo_network(
    days: int = 14,
    stations: Sequence[int] = (1, 2, 3, 4),
    seed: int = 20250101,
) -> NetworkConfig:
    """The network of the demo: a low rate and large pressure swings, so that two weeks show the barometric effect.

    Raises
    ------
    ValueError
        When a station is not one of 1 to 4.
    """
    unknown = [number for number in stations if number not in DEMO_STATIONS]
    if unknown:
        raise ValueError(f"the demo knows stations {sorted(DEMO_STATIONS)}, not {unknown}")
    return NetworkConfig(
        stations=tuple(DEMO_STATIONS[number] for number in sorted(set(stations))),
        start=DEMO_START,
        days=days,
        seed=seed,
    )
