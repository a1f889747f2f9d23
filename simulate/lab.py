"""Lab logs of a station: one file per kind and UTC day, in the layouts its slow control writes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from simulate.config import NetworkConfig, StationConfig
from simulate.environment import DAY_S, Series, Weather, generator, make_weather, n_whole_days, unix_start
from simulate.landing import land, utc

INT_MINUS_EXT_HPA = -0.6
INT_MINUS_EXT_DEGC = 13.0
SLOW_STEP_S = 900
FAST_STEP_S = 300
SHORTENED_TOKENS = 2


@dataclass(frozen=True)
class LogDay:
    """What a writer of log lines gets: the weather, a generator, the times of the readings and the station."""

    station: StationConfig
    weather: Weather
    rng: np.random.Generator
    time_s: Series

    def at(self, series: Series) -> list[float]:
        """A series of the weather at the times of the readings."""
        values: list[float] = np.interp(self.time_s, self.weather.time_s, series).tolist()
        return values

    def noise(self, sigma: float) -> list[float]:
        """Gaussian reading errors, one per reading."""
        values: list[float] = self.rng.normal(0.0, sigma, len(self.time_s)).tolist()
        return values

    def stamps(self, separator: str = "T", end: str = ";") -> list[str]:
        """The time of each reading as written."""
        return [f"{utc(t):%Y-%m-%d}{separator}{utc(t):%H:%M:%S}{end}" for t in self.time_s.tolist()]


def _air(day: LogDay, pressure_shift: float, temp_shift: float) -> Iterator[str]:
    rows = zip(
        day.stamps(),
        day.at(day.weather.temp_room_degc),
        day.at(day.weather.humidity_pct),
        day.at(day.weather.pressure_hpa),
        day.noise(0.05),
        strict=True,
    )
    for stamp, temp, humidity, pressure, error in rows:
        air = f"{temp + temp_shift + error:.1f} {humidity:.1f} {pressure + pressure_shift + error:.1f}"
        yield f"{stamp} nan nan nan nan {air}"


def env_ext_lines(day: LogDay) -> Iterator[str]:
    """Bus 0: temperature, humidity, pressure outside the box."""
    return _air(day, 0.0, 0.0)


def env_int_lines(day: LogDay) -> Iterator[str]:
    """Bus 1: the same inside the heated box."""
    return _air(day, INT_MINUS_EXT_HPA, INT_MINUS_EXT_DEGC)


def hv_lines(day: LogDay) -> Iterator[str]:
    """High voltage: board id, ten numbers, seven flags."""
    for stamp, e in zip(day.stamps(end=""), day.noise(0.002), strict=True):
        numbers = (0.112 + e, 0.097 + e, 5.498 + e / 2, 5.501 + e / 2, 0.0, 1.284, 5.5, 1.002, 5.5, 1.0)
        yield f"{stamp} 7C 21 0A 5F D3 11 {' '.join(f'{number:.3f}' for number in numbers)} 1 1 0 0 1 1 1"


def rates_lines(day: LogDay) -> Iterator[str]:
    """Trigger board: asserted, edge, accepted, four multiplexers, four coincidence modules; a blank at the end."""
    base = (12.4, 10.1, 9.8, 64.0, 81.5, 90.2, 104.6, 5.9, 3.3, 3.1, 5.4)
    for stamp, e in zip(day.stamps(), day.noise(0.015), strict=True):
        yield f"{stamp} {' '.join(f'{number * (1 + e):.1f}' for number in base)} "


def flow_lines(day: LogDay) -> Iterator[str]:
    """Gas flow at the outlet of each plane, arbitrary units."""
    for stamp, e in zip(day.stamps(separator=" ", end=""), day.noise(4.0), strict=True):
        yield f"{stamp} {771 + e:.0f} {786 + e:.0f} {812 + e:.0f} {743 + e:.0f}"


def computer_lines(day: LogDay) -> Iterator[str]:
    """Disk fill and the file indicator."""
    for stamp, t in zip(day.stamps(), day.time_s.tolist(), strict=True):
        yield f"{stamp} 44 61 {18_000 + int(t // 3600) % 4000}"


def weight_lines(day: LogDay) -> Iterator[str]:
    """Weight of the gas bottle, typed once a day: it loses 0.02 kg a day."""
    lost_kg = 0.02 * (day.time_s[0] - day.weather.time_s[0]) / DAY_S
    return iter([f"{day.stamps(separator=' ', end='')[len(day.time_s) // 2]} {8.35 - lost_kg:.3f}"])


@dataclass(frozen=True)
class LogKind:
    """A kind of log: file prefix, seconds between readings, offset of the first, writer of its lines."""

    kind: str
    prefix: str
    step_s: int
    first_s: int
    lines: Callable[[LogDay], Iterator[str]]


LOG_KINDS = (
    LogKind("env_ext", "sensors_bus0_", SLOW_STEP_S, 3, env_ext_lines),
    LogKind("env_int", "sensors_bus1_", SLOW_STEP_S, 2, env_int_lines),
    LogKind("hv", "hv0_", SLOW_STEP_S, 4, hv_lines),
    LogKind("rates", "rates_", FAST_STEP_S, 51, rates_lines),
    LogKind("flow", "Flow0_", SLOW_STEP_S, 5, flow_lines),
    LogKind("computer", "Odroid_", FAST_STEP_S, 6, computer_lines),
    LogKind("weight", "weight_", SLOW_STEP_S, 7, weight_lines),
)


@dataclass(frozen=True)
class LogFile:
    """One log file: its text and how many of its lines are sound or must be rejected (`short_row`)."""

    station_id: int
    kind: str
    name: str
    day: datetime
    content: bytes
    n_lines: int
    n_rejects: int


def log_day(config: NetworkConfig, station: StationConfig, day_number: int) -> list[LogFile]:
    """The log files of one day of a station; a share of the lines is cut short after its stamp and one token."""
    weather = make_weather(config, station)
    begin = unix_start(config) + day_number * DAY_S
    rng = generator(config, "lab", station.station_id, day_number)
    files = []
    for kind in LOG_KINDS:
        times = begin + kind.first_s + np.arange(DAY_S // kind.step_s, dtype=np.float64) * kind.step_s
        lines = list(kind.lines(LogDay(station, weather, rng, times)))
        share = 0.0 if kind.kind == "weight" else config.log_defect_share
        cut = np.flatnonzero(rng.random(len(lines)) < share).tolist()
        for k in cut:
            lines[k] = " ".join(lines[k].replace("T", " ").split()[: 2 + SHORTENED_TOKENS])
        day = utc(begin)
        files.append(
            LogFile(
                station.station_id,
                kind.kind,
                f"{kind.prefix}{day:%Y-%m-%d}.log",
                day,
                ("\n".join(lines) + "\n").encode(),
                len(lines),
                len(cut),
            )
        )
    return files


def write_logs(config: NetworkConfig, station: StationConfig, landing: Path) -> list[LogFile]:
    """Write all logs of a station into ``landing/lab_log/station=<n>/done/<YYYY-MM>``."""
    written = []
    for day_number in range(n_whole_days(config)):
        for log in log_day(config, station, day_number):
            folder = landing / "lab_log" / f"station={station.station_id}" / "done" / f"{log.day:%Y-%m}"
            land(
                folder / log.name,
                log.content,
                source="lab_log",
                host=f"mingo0{station.station_id}",
                remote_path=f"logs/done/{log.name}",
                modified_at=log.day + timedelta(hours=23, minutes=59),
                fetched_at=log.day + timedelta(days=1, minutes=20),
            )
            written.append(log)
    return written
