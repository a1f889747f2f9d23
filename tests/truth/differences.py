"""How large the effect of each difference from the production chain is on one file, from built tables.

Each function does a step the other way, on what the tables hold, and says what that changes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulate.geometry import SPEED_OF_LIGHT_MM_PER_NS
from tests.truth import measure
from tests.truth.measure import Found
from warehouse.fit.time_sum import Links, fit_time_sums

OTHER_WIDTHS_MM = np.array([[98.0, 98.0, 98.0, 63.0], [63.0, 98.0, 98.0, 98.0]] * 2)
"""The widths of 357 mm in all: three wide strips and one narrow one."""


class Difference(NamedTuple):
    """What is done elsewhere, what here, and what that changes on the file."""

    elsewhere: str
    here: str
    effect: str


def _channel(plane: pl.Series, strip: pl.Series) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = (4 * (plane.cast(pl.Int64) - 1) + strip.cast(pl.Int64) - 1).to_numpy()
    return numbers


def _links(bins: pl.DataFrame, width_ns: float) -> Links:
    """Histograms by pair of strips from rows (plane_a, strip_a, plane_b, strip_b, bin_index, n)."""
    a, b = (_channel(bins[f"plane_{end}"], bins[f"strip_{end}"]) for end in "ab")
    pairs, row = np.unique(16 * a + b, return_inverse=True)
    low = int(bins["bin_index"].to_numpy().min())
    column = bins["bin_index"].to_numpy() - low
    counts = np.zeros((len(pairs), int(column.max()) + 1))
    np.add.at(counts, (row, column), bins["n"].to_numpy())
    centres = width_ns * (np.arange(counts.shape[1]) + low + 0.5)
    return Links(pairs // 16, pairs % 16, counts, centres.astype(np.float64))


def single_window(found: Found) -> Iterator[Difference]:
    """Offsets of the time sum from one narrow window around zero."""
    bins = found.ask("from int_cal_link where file_id = $file")
    solved = fit_time_sums(_links(bins, 0.1), first_window=3, window=3, passes=0, min_entries=30)
    assert solved is not None
    errors = 1e3 * (solved.offset - found.constants["true_t_sum_offset_ns"].to_numpy())
    errors -= np.nanmean(errors)
    own = measure.fit_quality(found)
    yield Difference(
        "T sum offsets from one window of ± 3 ns",
        "± 20 ns first, then twice ± 3 ns around the solution",
        f"rms error {np.sqrt(np.nanmean(errors**2)):.0f} ps for {measure.t_sum_errors_ps(found).std():.0f} ps"
        f", {solved.n_links.sum() / 2:.0f} links for {own['n_links']:.0f}",
    )


def strip_widths(found: Found) -> Iterator[Difference]:
    """Offsets of the time sum with flight paths between strips at wrong places."""
    hits = found.ask(
        """
        select event_number, plane, strip, t_sum_ns, x_mm, y_centre_mm
        from int_strip_hit
        where file_id = $file and is_accepted
        qualify row_number() over (partition by event_number, plane order by q_sum_ns desc, strip) = 1
        """
    )
    edges = np.concatenate([np.zeros((4, 1)), np.cumsum(OTHER_WIDTHS_MM, axis=1)], axis=1)
    centres = (edges[:, 1:] + edges[:, :-1]) / 2 - edges[:, -1:] / 2
    plane, strip = hits["plane"].to_numpy(), hits["strip"].to_numpy()
    hits = hits.with_columns(
        z=np.array(found.known.z_mm)[plane - 1],
        wrong=centres[plane - 1, strip - 1],
        right=hits["y_centre_mm"].cast(pl.Float64),
    )
    both = hits.join(hits, on="event_number", suffix="_b").filter(pl.col("plane") < pl.col("plane_b"))
    flat = (pl.col("x_mm_b") - pl.col("x_mm")) ** 2 + (pl.col("z_b") - pl.col("z")) ** 2
    shift = both.select(
        pl.col("plane", "strip", "plane_b", "strip_b"),
        n=pl.lit(1),
        d=(
            (flat + (pl.col("right_b") - pl.col("right")) ** 2).sqrt()
            - (flat + (pl.col("wrong_b") - pl.col("wrong")) ** 2).sqrt()
        )
        / SPEED_OF_LIGHT_MM_PER_NS,
    )
    pairs = shift.group_by("plane", "strip", "plane_b", "strip_b").agg(pl.len().alias("n"), pl.col("d").mean())
    a, b = _channel(pairs["plane"], pairs["strip"]), _channel(pairs["plane_b"], pairs["strip_b"])
    design = np.zeros((len(pairs), 16))
    design[np.arange(len(pairs)), b] = 1
    design[np.arange(len(pairs)), a] = -1
    weight = np.sqrt(pairs["n"].to_numpy())
    offsets = np.linalg.lstsq(design * weight[:, None], pairs["d"].to_numpy() * weight, rcond=None)[0]
    largest = np.abs(offsets - offsets.mean()).max()
    yield Difference(
        "strips of 357 mm in all in half of the steps",
        "one geometry of 287 mm",
        f"T sum offsets shifted by {1e3 * offsets.std():.0f} ps rms, {1e3 * largest:.0f} ps at most",
    )


def resolution(found: Found) -> Iterator[Difference]:
    """The spread of truncated distributions taken for the resolution."""
    quality = measure.fit_quality(found)
    yield Difference(
        "spread between the 3 % and 97 % quantiles reported as time resolution",
        "divided by what a Gaussian keeps of its width there",
        f"{quality['crt_ps']:.0f} ps for a true 500 ps; {quality['crt_corrected_ps']:.0f} ps here",
    )


def crosstalk(found: Found) -> Iterator[Difference]:
    """Planes whose strips all lie below the crosstalk limit lost."""
    lost = found.ask(
        "select 100 * avg(is_low_charge::int) as lost from int_plane_hit where file_id = $file group by plane"
    )["lost"].to_numpy()
    yield Difference(
        "a plain cut at the crosstalk limit",
        "crosstalk only beside a stronger strip of the plane",
        f"would lose {lost.min():.1f} to {lost.max():.1f} % of the hits of a plane",
    )


def charge_limit(found: Found) -> Iterator[Difference]:
    """Large charges cut away."""
    row = found.ask(
        """
        select
            100 * avg((q_front_ns > 350)::int) as front,
            100 * avg((q_back_ns > 350)::int) as back
        from int_hit
        where file_id = $file and strip_state = 'two_ended'
        """
    ).row(0)
    yield Difference(
        "charges above 350 ns cut",
        "limit 600 ns",
        f"would lose {(row[0] + row[1]) / 2:.2f} % of the ends of two-ended strips, all of them streamers",
    )


def front_back(found: Found) -> Iterator[Difference]:
    """The polynomial of the front-back charge continued beyond the charges it was fitted to."""
    strips = found.constants
    c = np.nan_to_num(strips.select(pl.col(f"q_fb_c{i}") for i in range(5)).cast(pl.Float64).to_numpy())
    far = {q: np.abs((c * (q / 100) ** np.arange(5)).sum(axis=1)).max() for q in (300, 450)}
    held = np.abs(measure.front_back_corrections_ns(found)[:, -1]).max()
    yield Difference(
        "front-back polynomial extrapolated",
        "held constant outside the fitted charges",
        f"up to {far[300]:.1f} ns at 300 ns and {far[450]:.0f} ns at 450 ns where none is due; {held:.2f} ns here",
    )


def selection(found: Found) -> Iterator[Difference]:
    """A narrow window of the slowness."""
    tracks = found.events.filter(pl.col("is_track"))
    slow = measure.share(tracks, ~pl.col("slowness_ns_per_mm").is_between(-0.005, 0.01))
    yield Difference(
        "slowness within −0.005 .. 0.01 ns/mm",
        "within −0.02 .. 0.03 ns/mm",
        f"would lose {slow:.1f} % of genuine muons",
    )


def outer_planes(found: Found) -> Iterator[Difference]:
    """Efficiencies from ratios of labels."""
    count = {int(tt): int(n) for tt, n in found.events.group_by("list_tt").len().iter_rows()}
    four = count[1234]
    true = found.known.efficiency
    projected = {one.plane: one.value for one in measure.efficiencies(found) if one.method == "projection"}
    outer = ", ".join(
        f"plane {plane} {four / (four + count[tt]):.3f} for {true[plane - 1]:.3f} ({projected[plane]:.3f} here)"
        for plane, tt in ((1, 234), (4, 123))
    )
    yield Difference("ratio of labels for the outer planes", "tracks pointing well inside the plane", outer)
    swapped = ", ".join(
        f"plane {plane} {four / (four + count[tt]):.3f} for {true[plane - 1]:.3f}" for plane, tt in ((2, 124), (3, 134))
    )
    yield Difference("124 and 134 exchanged", "2 from 134, 3 from 124", swapped)


def quantile_seconds(found: Found) -> Iterator[Difference]:
    """Seconds with few or many events removed from the counts and kept in the live time."""
    seconds = found.ask("select n_events from int_second where file_id = $file and is_live")["n_events"].to_numpy()
    low, high = np.quantile(seconds, [0.005, 0.995])
    kept = (seconds >= low) & (seconds <= high)
    lost = 100 * (1 - seconds[kept].sum() / seconds.sum())
    yield Difference(
        "seconds beyond the 0.5 % and 99.5 % quantiles removed, their live time kept",
        "Poisson test of blocks of 10 s; counts and live time removed together",
        f"the rate would be {lost:.1f} % low",
    )


STEPS = (
    strip_widths,
    single_window,
    resolution,
    charge_limit,
    front_back,
    crosstalk,
    selection,
    outer_planes,
    quantile_seconds,
)


def all_differences(found: Found) -> Iterator[Difference]:
    """Every difference that the tables can size, in the order of the models."""
    for step in STEPS:
        yield from step(found)
