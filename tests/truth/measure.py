"""What the built tables say about a file with truth: one function a question, each with plain numbers as its answer."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulate.geometry import EDGES_MM
from tests.truth.known import Known

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """The tables of one file beside its truth.

    Attributes
    ----------
    known
        The truth.
    build
        The build file.
    constants
        16 rows of `fct_calibration` with the true constants as ``true_<name>``.
    events
        `fct_track` with the true track as ``true_<name>``, one row per event.
    """

    known: Known
    build: Path
    constants: pl.DataFrame
    events: pl.DataFrame

    @property
    def four_planes(self) -> pl.DataFrame:
        """Events whose accepted track has four planes."""
        return self.events.filter(pl.col("fit_tt") == 1234)

    def ask(self, sql: str) -> pl.DataFrame:
        """The answer to a query in which ``$file`` is the file."""
        return ask(self.build, sql, self.known.file_id)


def ask(build: Path, sql: str, file_id: int) -> pl.DataFrame:
    """The answer of the build file to a query in which ``$file`` is the file."""
    with duckdb.connect(str(build), read_only=True) as connection:
        return connection.execute(sql, {"file": file_id}).pl()


def find(build: Path, known: Known) -> Found:
    """Read what was found about a file from the build file."""
    constants = ask(build, "from fct_calibration where file_id = $file order by plane, strip", known.file_id)
    events = ask(build, "from fct_track where file_id = $file order by event_number", known.file_id)
    return Found(
        known,
        build,
        constants.join(_true(known.constants, "plane", "strip"), on=["plane", "strip"]),
        events.join(_true(known.events, "event_number"), on="event_number"),
    )


def _true(frame: pl.DataFrame, *keys: str) -> pl.DataFrame:
    return frame.rename({name: f"true_{name.removeprefix('true_')}" for name in frame.columns if name not in keys})


def error(frame: pl.DataFrame, name: str) -> Array:
    """Found less true, one value a row."""
    return (frame[name] - frame[f"true_{name}"]).cast(pl.Float64).to_numpy()


def pedestal_errors_ns(found: Found) -> Array:
    """Errors of the charge pedestals, shape (32,)."""
    return np.concatenate([error(found.constants, f"q_pedestal_{side}_ns") for side in ("front", "back")])


def t_dif_errors_ns(found: Found) -> Array:
    """Errors of the offsets of the time difference, shape (16,)."""
    return error(found.constants, "t_dif_offset_ns")


def t_sum_errors_ps(found: Found) -> Array:
    """Errors of the offsets of the time sum less their mean, which no coincidence can tell, shape (16,)."""
    errors = 1e3 * error(found.constants, "t_sum_offset_ns")
    shifted: Array = errors - errors.mean()
    return shifted


def front_back_corrections_ns(found: Found) -> Array:
    """Correction of the charge difference at 41 points of each strip's support, shape (16, 41); none is needed."""
    strips = found.constants
    u = np.linspace(strips["q_fb_low_ns"], strips["q_fb_high_ns"], 41, axis=1) / 100
    coefficients = np.nan_to_num(strips.select(pl.col(f"q_fb_c{i}") for i in range(5)).cast(pl.Float64).to_numpy())
    powers = u[:, :, None] ** np.arange(5)
    corrections: Array = np.einsum("spi,si->sp", powers, coefficients)
    return corrections


def share(events: pl.DataFrame, condition: pl.Expr) -> float:
    """Percentage of the events for which a condition holds; NULL does not hold."""
    return 100 * float(events.select(condition.fill_null(value=False).mean()).item())


def angle_deg(ax: Array, ay: Array, bx: Array, by: Array) -> Array:
    """Angle between the directions (ax, ay, 1) and (bx, by, 1), degrees."""
    a, b = np.stack([ax, ay, np.ones_like(ax)]), np.stack([bx, by, np.ones_like(bx)])
    sine = np.linalg.norm(np.cross(a, b, axis=0), axis=0)
    angle: Array = np.degrees(np.arctan2(sine, np.sum(a * b, axis=0)))
    return angle


def slopes(events: pl.DataFrame, prefix: str = "") -> tuple[Array, Array]:
    """Slopes in x and y, found or (prefix ``true_``) true."""
    x, y = (events[f"{prefix}{axis}_slope"].cast(pl.Float64).to_numpy() for axis in "xy")
    return x, y


def space_angles_deg(events: pl.DataFrame) -> Array:
    """Angle between the found and the true track of each event."""
    return angle_deg(*slopes(events), *slopes(events, "true_"))


def stated_space_angles_deg(events: pl.DataFrame, n_draws: int = 20) -> Array:
    """Angles that the stated sigmas of the slopes promise: the true track against itself smeared by them.

    Gaussian draws with a fixed seed; shape (n_draws · n,).
    """
    rng = np.random.default_rng(1)
    true_x, true_y = (np.tile(slope, n_draws) for slope in slopes(events, "true_"))
    sigma_x, sigma_y = (np.tile(events[f"sigma_{axis}_slope"].to_numpy(), n_draws) for axis in "xy")
    smeared_x = true_x + sigma_x * rng.standard_normal(len(true_x))
    smeared_y = true_y + sigma_y * rng.standard_normal(len(true_y))
    return angle_deg(smeared_x, smeared_y, true_x, true_y)


def theta_errors_deg(events: pl.DataFrame) -> Array:
    """Found less true zenith angle."""
    return np.degrees(error(events, "theta_rad"))


def slowness_c(events: pl.DataFrame) -> Array:
    """Found over true slowness, 1 for a muon at the speed of light."""
    ratio: Array = (events["slowness_ns_per_mm"] / events["true_slowness_ns_per_mm"]).to_numpy()
    return ratio


PULLS = ("x_slope", "y_slope", "t_slope_ns_per_mm", "x0_mm", "y0_mm", "slowness_ns_per_mm")


def pulls(events: pl.DataFrame, name: str) -> Array:
    """Error over stated sigma of a parameter of the track (one of `PULLS`)."""
    path = (1 + pl.col("true_x_slope") ** 2 + pl.col("true_y_slope") ** 2).sqrt()
    with_time = events.with_columns(true_t_slope_ns_per_mm=pl.col("true_slowness_ns_per_mm") * path)
    pull: Array = error(with_time, name) / with_time[f"sigma_{name}"].to_numpy()
    return pull


@dataclass(frozen=True)
class Efficiency:
    """An efficiency and its truth, both with 1 sigma; ``value`` is NaN where the table says NULL."""

    plane: int
    method: str
    value: float
    sigma: float
    true: float
    true_sigma: float

    @property
    def pull(self) -> float:
        """Difference in units of both sigmas together."""
        return (self.value - self.true) / float(np.hypot(self.sigma, self.true_sigma))


def efficiencies(found: Found, label: str = "clean") -> list[Efficiency]:
    """Efficiencies of the file: projection for four planes, ratio for planes 2 and 3."""
    rows = found.ask(
        """
        select plane, method, efficiency, efficiency_sigma, label
        from fct_plane_efficiency
        where
            period_kind = 'file' and file_id = $file
            and (method = 'projection' or (method = 'ratio' and plane in (2, 3)))
        order by method, plane
        """
    ).filter(pl.col("label") == label)
    answers = []
    for plane, method, value, sigma, _ in rows.iter_rows():
        true = found.known.efficiency[plane - 1]
        true_sigma = float(np.sqrt(true * (1 - true) / found.known.n_crossing))
        answers.append(Efficiency(plane, method, value or np.nan, sigma or np.nan, true, true_sigma))
    return answers


def fit_quality(found: Found) -> dict[str, float]:
    """Links of the file and the resolution they show."""
    sql = "select n_links, link_rms_ps, crt_ps, crt_corrected_ps from int_cal_file where file_id = $file"
    return found.ask(sql).row(0, named=True)


def n_pairs_crossed(known: Known, n_min: int = 45) -> int:
    """Pairs of strips in two planes that at least ``n_min`` events cross and fire: so many links there must be."""
    events = known.events.with_columns(pl.col("true_tt").cast(pl.String))
    n_pairs = 0
    for upper, lower in combinations((1, 2, 3, 4), 2):
        both = events.filter(pl.col("true_tt").str.contains(str(upper)) & pl.col("true_tt").str.contains(str(lower)))
        strips = both.select(
            sum(pl.col(f"y_true_p{plane}_mm") >= edge for edge in EDGES_MM[plane - 1, 1:4]).alias(f"strip_{plane}")
            for plane in (upper, lower)
        )
        n_pairs += int((strips.drop_nulls().group_by(pl.all()).len()["len"] >= n_min).sum())
    return n_pairs


def live(found: Found) -> dict[str, float]:
    """Seconds and events of the file's day: live, flagged, kept."""
    return found.ask(
        """
        select
            sum(live_s)::bigint as live_s,
            sum(n_outlier_s + n_dead_s)::bigint as flagged_s,
            sum(n_events_live)::bigint as n_kept
        from fct_minute_live
        inner join dim_file using (station_id)
        where
            file_id = $file
            and minute_start >= date_trunc('day', start_time)
            and minute_start < date_trunc('day', start_time) + interval 1 day
        """
    ).row(0, named=True)


def expected_live(found: Found) -> tuple[int, int]:
    """Whole seconds between the first and the last of the file, and the events in them."""
    second = found.events["event_time"].dt.epoch("s")
    first, last = second.min(), second.max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    return last - first - 1, int(((second > first) & (second < last)).sum())
