"""Figures that show what was found beside what is true, from built tables alone."""

from collections.abc import Mapping
from math import erf

import altair as alt
import numpy as np
import polars as pl

from tests.truth import measure
from tests.truth.measure import Array, Found
from warehouse.report.figure import Chart, Figure, named, to_columns, zero_line
from warehouse.report.theme import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION

COLOURS = {"M1": BLUE, "A": ORANGE, "B": GREEN, "S1": SKY, "C": PURPLE}
HEIGHT = 150
SHORT_HEIGHT = 110
BLOCK_BIN = 4

Files = Mapping[str, Found]


def _scale(labels: list[str]) -> alt.Color:
    scale = alt.Scale(domain=labels, range=[COLOURS.get(label, INK) for label in labels])
    colour: alt.Color = alt.Color("file:N", title=None, scale=scale)
    return colour


def _histogram(values: Array, low: float, high: float, n_bins: int) -> pl.DataFrame:
    """Share of the values per unit of x in each bin, with its edges."""
    counts, edges = np.histogram(values, n_bins, (low, high))
    return pl.DataFrame({"x": edges[:-1], "x2": edges[1:], "y": counts / len(values) / np.diff(edges)})


def _bars(
    data: str, x: str, y: str, colour: str, *, height: int = HEIGHT, domain: list[float] | None = None
) -> alt.Chart:
    """A histogram as bars without gaps."""
    scale = alt.Scale(domain=domain, nice=False) if domain else alt.Scale(nice=False)
    chart: alt.Chart = (
        named(data)
        .mark_bar(aria=False, color=colour, opacity=0.55, binSpacing=0)
        .encode(alt.X("x:Q", title=x, scale=scale), alt.X2("x2:Q"), alt.Y("y:Q", title=y), alt.Y2Datum(0))
        .properties(height=height)
    )
    return chart


def _curve(data: str, colour: str = INK) -> alt.Chart:
    """A line over a histogram."""
    chart: alt.Chart = named(data).mark_line(color=colour, strokeWidth=1.6).encode(alt.X("x:Q"), alt.Y("y:Q"))
    return chart


def _gauss(low: float, high: float, mean: float = 0.0, sigma: float = 1.0) -> pl.DataFrame:
    x = np.linspace(low, high, 121)
    return pl.DataFrame({"x": x, "y": np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))})


def calibration(files: Files) -> Figure:
    """Errors of every constant against the injected ones."""
    kinds = {
        "pedestal": ("charge pedestal error (ps)", 1e3, measure.pedestal_errors_ns, 20.0),
        "t_dif": ("T dif offset error (ps)", 1e3, measure.t_dif_errors_ns, 12.0),
        "t_sum": ("T sum offset error (ps)", 1.0, measure.t_sum_errors_ps, 40.0),
    }
    names = [f"{plane}.{strip}" for plane in (1, 2, 3, 4) for strip in (1, 2, 3, 4)]
    charts: list[Chart] = []
    data = {}
    for kind, (title, unit, errors, bound) in kinds.items():
        rows = [
            {"file": label, "strip": names[k % 16], "y": unit * float(value)}
            for label, found in files.items()
            for k, value in enumerate(errors(found))
        ]
        data[kind] = to_columns(pl.DataFrame(rows))
        data[f"{kind}_bound"] = {"bound": [-bound, bound]}
        points = (
            named(kind)
            .mark_point(aria=False, size=26, filled=True, opacity=0.8)
            .encode(
                alt.X("strip:N", title="plane.strip", sort=names, axis=alt.Axis(labelAngle=0)),
                alt.Y("y:Q", title=title),
                _scale(list(files)),
                xOffset=alt.XOffset("file:N", sort=list(files)),
            )
            .properties(height=HEIGHT)
        )
        limits = named(f"{kind}_bound").mark_rule(color=GREY, strokeDash=[4, 3]).encode(alt.Y("bound:Q"))
        charts.append(alt.layer(limits, zero_line(), points))
    return Figure(
        "01", "calibration", "Error of every constant, files of 50,000 events; dashed: bounds", "", charts, data
    )


def _link_differences(found: Found) -> pl.DataFrame:
    """Bins of the time differences of strip pairs: as measured, and less the difference of the offsets."""
    return found.ask(
        """
        select
            (link.bin_index + 0.5::double) * 0.1::double as before_ns,
            before_ns - (lower.t_sum_offset_ns - upper.t_sum_offset_ns) as after_ns,
            link.n
        from int_cal_link as link
        inner join fct_calibration as upper
            on link.file_id = upper.file_id and link.plane_a = upper.plane and link.strip_a = upper.strip
        inner join fct_calibration as lower
            on link.file_id = lower.file_id and link.plane_b = lower.plane and link.strip_b = lower.strip
        where link.file_id = $file
        """
    )


def links(found: Found) -> Figure:
    """Time differences of strip pairs before and after the offsets."""
    bins = _link_differences(found)
    charts: list[Chart] = []
    data = {}
    for name, colour, reach in (("before", VERMILLION, 10.0), ("after", BLUE, 10.0)):
        counts, edges = np.histogram(bins[f"{name}_ns"], 100, (-reach, reach), weights=bins["n"])
        data[name] = to_columns(pl.DataFrame({"x": edges[:-1], "x2": edges[1:], "y": counts}))
        title = f"time difference of two planes less flight time, {name} the offsets (ns)"
        charts.append(_bars(name, title, "pairs", colour, height=SHORT_HEIGHT, domain=[-reach, reach]))
    return Figure("02", "links", "All strip pairs of M1, before and after the time sum offsets", "", charts, data)


def space_angle(found: Found) -> Figure:
    """Angle between found and true track by number of planes."""
    charts: list[Chart] = []
    data = {}
    for n_planes, colour in ((4, BLUE), (3, GREEN), (2, ORANGE)):
        events = found.events.filter(pl.col("fit_tt").cast(pl.String).str.len_chars() == n_planes)
        data[f"n{n_planes}"] = to_columns(_histogram(measure.space_angles_deg(events), 0, 20, 40))
        promised = _histogram(measure.stated_space_angles_deg(events), 0, 20, 40)
        data[f"p{n_planes}"] = to_columns(promised.select(((pl.col("x") + pl.col("x2")) / 2).alias("x"), "y"))
        title = f"angle between found and true track, {n_planes} planes (degrees)"
        bars = _bars(f"n{n_planes}", title, "share per degree", colour, height=SHORT_HEIGHT, domain=[0, 20])
        charts.append(alt.layer(bars, _curve(f"p{n_planes}")))
    return Figure(
        "03",
        "space_angle",
        "Angle between found and true track, M1; curves: what the stated sigmas promise",
        "",
        charts,
        data,
    )


def pulls(found: Found) -> Figure:
    """Errors of the track in units of their stated sigma, four planes."""
    charts: list[Chart] = []
    data = {"gauss": to_columns(_gauss(-4, 4))}
    for name, colour in zip(measure.PULLS, (BLUE, ORANGE, GREEN, BLUE, ORANGE, GREEN), strict=True):
        values = measure.pulls(found.four_planes, name)
        data[name] = to_columns(_histogram(values, -4, 4, 40))
        short = name.removesuffix("_ns_per_mm").removesuffix("_mm")
        title = f"pull of {short}, spread {values.std():.2f}"
        charts.append(alt.layer(_bars(name, title, "density", colour, domain=[-4, 4]), _curve("gauss")))
    return Figure(
        "04",
        "pulls",
        "Errors of four-plane tracks over their stated sigma, M1; curves: unit Gaussians",
        "",
        charts,
        data,
        n_columns=3,
    )


def efficiency(files: Files) -> Figure:
    """Efficiency by projection less the true one, in per cent, with both errors."""
    rows = [
        {
            "file": label,
            "plane": f"plane {one.plane}",
            "y": 100 * (one.value - one.true),
            "low": 100 * (one.value - one.true - np.hypot(one.sigma, one.true_sigma)),
            "high": 100 * (one.value - one.true + np.hypot(one.sigma, one.true_sigma)),
        }
        for label, found in files.items()
        for one in measure.efficiencies(found)
        if one.method == "projection"
    ]
    base = named("efficiency").encode(
        alt.X("plane:N", title=None, axis=alt.Axis(labelAngle=0)),
        color=_scale(list(files)),
        xOffset=alt.XOffset("file:N", sort=list(files)),
    )
    y = alt.Y("y:Q", title="efficiency found less true (%)")
    points = base.mark_point(size=45, filled=True, opacity=1).encode(y)
    bars = base.mark_rule(strokeWidth=1.6).encode(alt.Y("low:Q"), alt.Y2("high:Q"))
    charts: list[Chart] = [alt.layer(zero_line(), bars, points).properties(height=1.4 * HEIGHT)]
    return Figure(
        "05",
        "efficiency",
        "Efficiency by projection less the truth, with both errors, all files",
        "",
        charts,
        {"efficiency": to_columns(pl.DataFrame(rows))},
    )


def slowness(found: Found) -> Figure:
    """Slowness in units of 1/c by number of planes, with what its stated errors promise."""
    charts: list[Chart] = []
    data = {}
    x = np.linspace(-3, 5, 161)
    for n_planes, colour in ((4, BLUE), (3, GREEN), (2, ORANGE)):
        events = found.events.filter(pl.col("fit_tt").cast(pl.String).str.len_chars() == n_planes)
        values = measure.slowness_c(events)
        data[f"n{n_planes}"] = to_columns(_histogram(values, -3, 5, 80))
        sigma = (events["sigma_slowness_ns_per_mm"] / events["true_slowness_ns_per_mm"]).to_numpy()
        density = np.mean(np.exp(-0.5 * ((x[:, None] - 1) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi)), axis=1)
        data[f"p{n_planes}"] = to_columns(pl.DataFrame({"x": x, "y": density}))
        title = f"slowness in units of 1/c, {n_planes} planes, mean {values.mean():.3f}"
        bars = _bars(f"n{n_planes}", title, "density", colour, height=SHORT_HEIGHT, domain=[-3, 5])
        charts.append(alt.layer(bars, _curve(f"p{n_planes}")))
    return Figure("06", "slowness", "Slowness, M1; curves: what the stated sigmas promise around 1", "", charts, data)


def live_blocks(found: Found) -> Figure:
    """Events in blocks of ten seconds against time, and their distribution against Poisson's."""
    blocks = found.ask(
        """
        select time_bucket(interval 10 second, second_start) as t, sum(n_events)::bigint as y
        from int_second
        where file_id = $file and is_live
        group by t
        having count(*) = 10
        order by t
        """
    )
    counts = blocks["y"].to_numpy()
    mean = float(counts.mean())
    low, high = int(mean - 5 * mean**0.5), int(mean + 5 * mean**0.5)
    sizes = np.arange(low, high + 1)
    # the square root of a Poisson count is nearly normal with sigma 1/2, and 3/8 makes it so for small counts too
    edges = 2 * (np.sqrt(np.append(sizes, high + 1) - 0.5 + 3 / 8) - np.sqrt(mean + 3 / 8))
    below = np.array([(1 + erf(edge / 2**0.5)) / 2 for edge in edges])
    n_seen, borders = np.histogram(counts, np.arange(low - 0.5, high + BLOCK_BIN, BLOCK_BIN))
    seen = pl.DataFrame({"x": borders[:-1], "x2": borders[1:], "y": n_seen})
    data = {
        "blocks": to_columns(blocks.with_columns(x=(pl.col("t") - pl.col("t").min()).dt.total_seconds() / 60)),
        "limits": {"limit": [float((mean**0.5 + side * 3) ** 2) for side in (-1, 1)]},
        "seen": to_columns(seen),
        "poisson": to_columns(pl.DataFrame({"x": sizes, "y": BLOCK_BIN * len(counts) * np.diff(below)})),
    }
    points = (
        named("blocks")
        .mark_point(aria=False, size=12, filled=True, color=BLUE, opacity=0.8)
        .encode(
            alt.X("x:Q", title="minutes from the first block", scale=alt.Scale(nice=False)),
            alt.Y("y:Q", title="events in 10 s", scale=alt.Scale(zero=False)),
        )
        .properties(height=HEIGHT)
    )
    limits = named("limits").mark_rule(color=VERMILLION, strokeDash=[4, 3]).encode(alt.Y("limit:Q"))
    bars = _bars("seen", "events in 10 s", f"blocks per {BLOCK_BIN} events", BLUE, domain=[low, high])
    return Figure(
        "07",
        "live_blocks",
        "Blocks of 10 s, M1; dashed: where a block would be flagged; curve: Poisson",
        "",
        [alt.layer(limits, points), alt.layer(bars, _curve("poisson"))],
        data,
    )


def all_figures(files: Files, detailed: str) -> list[Figure]:
    """The figures of all files, and those that show one file in detail."""
    one = files[detailed]
    large = {label: found for label, found in files.items() if found.known.is_large}
    return [
        calibration(large),
        links(one),
        space_angle(one),
        pulls(one),
        efficiency(files),
        slowness(one),
        live_blocks(one),
    ]
