"""Detector files with truth: the two independent ones, and three simulated with other geometries and seeds."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from simulate.config import PAIR_TRIGGERS, TRIPLE_TRIGGERS, StationConfig
from simulate.file import DetectorFile, simulate_file, write_file

LARGE_FILE = 20_000
INDEPENDENT = {"M1": "mi0025161000000", "S1": "mi0025060000000"}
DEFAULT_Z_MM = (0.0, 150.0, 300.0, 450.0)


@dataclass(frozen=True)
class Case:
    """A file to simulate: station 0 on a day of its own, so that the logbook gives it its own heights and triggers."""

    label: str
    start: datetime
    n_events: int
    seed: int
    station: StationConfig


def case(
    label: str,
    day: int,
    n_events: int,
    *,
    z_mm: tuple[float, float, float, float],
    efficiency: tuple[float, float, float, float],
    triggers: tuple[int, ...] = PAIR_TRIGGERS,
    rate_hz: float = 10.0,
    one_ended: float = 0.004,
    cos_exponent: float = 1.0,
) -> Case:
    """A case of station 0 on the given day of 2024; random offsets, path in the gas felt."""
    station = StationConfig(
        0,
        z_mm=z_mm,
        triggers=triggers,
        efficiency=efficiency,
        one_ended=one_ended,
        is_path_felt=True,
        cos_exponent=cos_exponent,
        rate_hz=rate_hz,
        offsets="random",
        conf_number=100 + day,
    )
    return Case(label, datetime.strptime(f"2024 {day}", "%Y %j"), n_events, 1_000 + day, station)


CASES = (
    case("A", 11, 50_000, z_mm=(0, 100, 200, 400), efficiency=(0.91, 0.86, 0.93, 0.89)),
    case(
        "B",
        12,
        50_000,
        z_mm=(0, 145, 290, 435),
        efficiency=(0.93, 0.95, 0.60, 0.91),
        triggers=TRIPLE_TRIGGERS,
        one_ended=0.003,
    ),
    case("C", 13, 5_000, z_mm=(0, 65, 130, 195), efficiency=(0.96, 0.90, 0.95, 0.92)),
)


@dataclass(frozen=True)
class Known:
    """A detector file and what is true of it.

    Attributes
    ----------
    label, base_name
        Short name in tables, and the name of the file without its endings.
    z_mm
        Heights of planes 1 to 4, mm.
    events
        One row per event in the order of the file: event_number, true_tt, theta_rad, phi_rad, x0_mm, y0_mm, x_slope,
        y_slope, slowness_ns_per_mm, and x_true_p<n>_mm, y_true_p<n>_mm where the track crosses the plane.
    constants
        16 rows: plane, strip, t_sum_offset_ns, t_dif_offset_ns, q_pedestal_front_ns, q_pedestal_back_ns.
    efficiency, n_crossing
        Share of the tracks through all four planes that each plane saw, before the trigger, and their number.
    """

    label: str
    base_name: str
    z_mm: tuple[float, ...]
    events: pl.DataFrame
    constants: pl.DataFrame
    efficiency: tuple[float, ...]
    n_crossing: int

    @property
    def file_id(self) -> int:
        """The digits of the name after ``mi0``."""
        return int(self.base_name[3:])

    @property
    def is_large(self) -> bool:
        """Whether the bounds of 50,000 events apply rather than those of 5,000."""
        return len(self.events) >= LARGE_FILE

    @property
    def has_default_heights(self) -> bool:
        """Whether the planes stand at 0, 150, 300, 450 mm."""
        return self.z_mm == DEFAULT_Z_MM


EVENT_COLUMNS = [
    "event_number",
    pl.col("true_tt").cast(pl.Int32),
    *("theta_rad", "phi_rad", "x0_mm", "y0_mm", "x_slope", "y_slope", "slowness_ns_per_mm"),
    *(f"{axis}_true_p{plane}_mm" for plane in (1, 2, 3, 4) for axis in "xy"),
]
CONSTANT_COLUMNS = ["plane", "strip", "t_sum_offset_ns", "t_dif_offset_ns"]
CONSTANT_COLUMNS += ["q_pedestal_front_ns", "q_pedestal_back_ns"]


def independent(folder: Path, label: str) -> Known:
    """One of the independent files, whose truth lies in ``folder`` beside it."""
    stem = INDEPENDENT[label]
    facts = json.loads((folder / f"truth_{stem}.json").read_text())
    realised = facts["efficiency_realised_before_trigger"]
    names = {"dat_line": "event_number", "tt_trigger": "true_tt", "xp": "x_slope", "yp": "y_slope"}
    constants = pl.read_csv(folder / f"calibration_{stem}.csv").rename(str.lower)
    constants = constants.rename({f"q_{side}_pedestal_ns": f"q_pedestal_{side}_ns" for side in ("front", "back")})
    return Known(
        label,
        stem,
        tuple(map(float, facts["z_positions_mm"])),
        pl.read_parquet(folder / f"truth_{stem}.parquet").rename(names).select(EVENT_COLUMNS),
        constants.select(CONSTANT_COLUMNS),
        tuple(realised["active_given_cross1234"]),
        realised["n_cross1234"],
    )


def simulated(label: str, file: DetectorFile) -> Known:
    """What is true of a simulated file without defects."""
    events = pl.DataFrame(file.truth()).rename({"line_number": "event_number", "tt_trigger": "true_tt"})
    muons = file.block.muons
    return Known(
        label,
        file.base_name,
        file.station.z_mm,
        events.select(EVENT_COLUMNS),
        pl.DataFrame(file.calibration()).select(CONSTANT_COLUMNS),
        tuple(np.divide(muons.n_fired_of_crossing, muons.n_crossing_all).tolist()),
        muons.n_crossing_all,
    )


LOGBOOK_HEAD = "g,,,,,,,,,,,,\nstation,conf,start,end,P1,P2,P3,P4,C1,C2,C3,C4,phi_north\n"


def logbook(cases: tuple[Case, ...]) -> str:
    """A sheet with one configuration a day for the cases, as the logbook is exported."""
    rows = []
    for one in cases:
        day = f"{one.start:%Y-%m-%d}"
        rows.append([0, one.station.conf_number, day, day, *one.station.z_mm, *one.station.triggers, 0])
    return LOGBOOK_HEAD + "".join(",".join(map(str, row)) + "\n" for row in rows)


def write_cases(cases: tuple[Case, ...], folder: Path) -> tuple[list[Path], list[Known]]:
    """Simulate the cases into ``folder``; returns the files and the logbook to acquire, and what is true of them."""
    folder.mkdir(parents=True, exist_ok=True)
    sheet = folder / "logbook.csv"
    sheet.write_text(logbook(cases))
    files, known = [sheet], []
    for one in cases:
        file = simulate_file(one.n_events, station=one.station, start=one.start, seed=one.seed)
        files.append(write_file(file, folder))
        known.append(simulated(one.label, file))
    return files, known
