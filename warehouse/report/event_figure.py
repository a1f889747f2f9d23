"""One event drawn: the strips of each plane, the plane hits with their errors, and the track through them."""

import altair as alt
import polars as pl

from warehouse.look.event import EventView
from warehouse.report.figure import Chart, Columns, Figure, named, to_columns
from warehouse.report.theme import BLUE, GREEN, INK, ORANGE, PURPLE, RULE, SKY, VERMILLION

STATE_COLOURS = {
    "accepted": BLUE,
    "crosstalk": SKY,
    "rejected": VERMILLION,
    "one end": ORANGE,
    "time only": PURPLE,
    "not calibrated": GREEN,
    "silent": RULE,
}
HEIGHT = 380
HALF_LENGTH_MM = 150.0
OVERHANG = 0.08


def event_figure(view: EventView) -> Figure:
    """The event from the side along the strips (x), across them (y), and in time (t), planes one below the other."""
    event, planes = view.event, view.planes
    heights = [float(z) for z in planes["z_mm"].drop_nulls()]
    margin = OVERHANG * (max(heights) - min(heights))
    ends = [min(heights) - margin, max(heights) + margin]
    strips = _strips(view)
    data: dict[str, Columns] = {
        "strip": to_columns(strips),
        "hit_along": to_columns(strips.drop_nulls("x_mm")),
        "plane": to_columns(planes.select("plane", "z_mm").with_columns(low=-HALF_LENGTH_MM, high=HALF_LENGTH_MM)),
    }
    for line, slope, start in (
        ("x", "x_slope", "x0_mm"),
        ("y", "y_slope", "y0_mm"),
        ("t", "t_slope_ns_per_mm", "t0_ns"),
    ):
        unit = "ns" if line == "t" else "mm"
        data[f"{line}_hit"] = to_columns(
            _hits(planes, f"{line}_{unit}", f"sigma_{line}_{unit}", event["removed_plane"])
        )
        data[f"{line}_track"] = _track(event, slope, start, ends, view.middle_ns if line == "t" else 0.0)
    is_track = bool(event["is_track"])
    charts: list[Chart] = [
        _side("x", "along the strips, x (mm)", ends, is_track),
        _side("y", "across the strips, y (mm)", ends, is_track),
        _side("t", "time (ns)", ends, is_track),
    ]
    return Figure("e", "event", _title(view), _caption(view), charts, data, n_columns=3)


def _strips(view: EventView) -> pl.DataFrame:
    """The 16 strips with their ends across, mm, the height of their plane, and what the event left in them."""
    seen = view.strips.with_columns(state=_state()).select("plane", "strip", "x_mm", "q_fc", "state")
    return (
        view.geometry.join(view.planes.select("plane", "z_mm"), on="plane")
        .join(seen, on=["plane", "strip"], how="left")
        .with_columns(
            low=pl.col("y_centre_mm") - pl.col("width_mm") / 2 + 2,
            high=pl.col("y_centre_mm") + pl.col("width_mm") / 2 - 2,
            state=pl.col("state").fill_null("silent"),
        )
        .select("plane", "strip", "z_mm", "low", "high", "x_mm", "q_fc", "state")
    )


def _state() -> pl.Expr:
    """What became of a strip, one of ``STATE_COLOURS``."""
    is_rejected = (pl.col("reject_mask").fill_null(0) != 0) | (
        pl.col("reject_mask_front").fill_null(0) + pl.col("reject_mask_back").fill_null(0) != 0
    )
    return (
        pl.when(pl.col("is_accepted"))
        .then(pl.lit("accepted"))
        .when(pl.col("is_crosstalk"))
        .then(pl.lit("crosstalk"))
        .when(pl.col("strip_state") == "one_ended")
        .then(pl.lit("one end"))
        .when(is_rejected)
        .then(pl.lit("rejected"))
        .when(pl.col("strip_state") == "two_ended")
        .then(pl.lit("not calibrated"))
        .otherwise(pl.lit("time only"))
    )


def _hits(planes: pl.DataFrame, value: str, sigma: str, removed_plane: object) -> pl.DataFrame:
    return (
        planes.drop_nulls(value)
        .select("plane", "z_mm", u=pl.col(value).cast(pl.Float64), sigma=pl.col(sigma).cast(pl.Float64))
        .with_columns(
            low=pl.col("u") - pl.col("sigma"),
            high=pl.col("u") + pl.col("sigma"),
            fill=pl.when(pl.col("plane") == pl.lit(removed_plane)).then(pl.lit("removed")).otherwise(pl.lit("fitted")),
        )
    )


def _track(event: dict[str, object], slope: str, start: str, ends: list[float], shift: float) -> Columns:
    """Both ends of the fitted line; none without a fit."""
    at_zero, steepness = event.get(start), event.get(slope)
    if not isinstance(at_zero, float) or not isinstance(steepness, float):
        return {"z_mm": [], "u": []}
    return {"z_mm": list(ends), "u": [at_zero + shift + steepness * z for z in ends]}


def _side(line: str, title: str, ends: list[float], is_track: bool) -> Chart:
    z = alt.Y(
        "z_mm:Q",
        title="z (mm), downward" if line == "x" else None,
        scale=alt.Scale(domain=ends, reverse=True, nice=False),
        axis=alt.Axis(grid=False),
    )
    scale = alt.Scale(domain=[-190, 190]) if line != "t" else alt.Scale(zero=False, padding=12)
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=list(STATE_COLOURS), range=list(STATE_COLOURS.values())),
        legend=alt.Legend(
            title=None, columns=3, orient="bottom", symbolType="stroke", symbolStrokeWidth=6, columnPadding=8
        )
        if line == "y"
        else None,
    )
    u = alt.X("low:Q", title=title, scale=scale)
    tooltip = ["plane:O", "strip:O", "state:N", alt.Tooltip("q_fc:Q", format=".0f")]
    layers: list[alt.Chart] = []
    if line == "x":
        layers.append(named("plane").mark_rule(color=RULE, strokeWidth=6).encode(u, z, x2="high:Q"))
        layers.append(
            named("hit_along")
            .mark_tick(orient="vertical", thickness=4, size=16, opacity=0.9)
            .encode(alt.X("x_mm:Q", title=title, scale=scale), z, color=colour, tooltip=tooltip)
        )
    elif line == "y":
        bars = named("strip").mark_rule(strokeWidth=7, clip=True)
        layers.append(bars.encode(u, z, x2="high:Q", color=colour, tooltip=tooltip))
    layers.append(
        named(f"{line}_track")
        .mark_line(color=INK, strokeWidth=1.6, strokeDash=[1, 0] if is_track else [5, 4], clip=True)
        .encode(alt.X("u:Q", title=title, scale=scale), z, order="z_mm:Q")
    )
    hits = named(f"{line}_hit")
    layers.append(hits.mark_rule(color=INK, strokeWidth=1.4).encode(u, z, x2="high:Q"))
    filled = alt.condition("datum.fill == 'removed'", alt.value("white"), alt.value(INK))
    points = hits.mark_point(size=50, stroke=INK, strokeWidth=1.4, filled=True, opacity=1)
    layers.append(points.encode(alt.X("u:Q", title=title, scale=scale), z, fill=filled))
    chart: Chart = alt.layer(*layers).properties(height=HEIGHT)
    return chart


def _title(view: EventView) -> str:
    return f"{view.file['base_name']}, event {view.event['event_number']}, {view.event['event_time']} UTC"


def _caption(view: EventView) -> str:
    event = view.event
    names = ("raw_tt", "clean_tt", "list_tt", "fit_tt")
    labels = ", ".join(f"{name[:-3]} {event[name]}" for name in names if event[name] is not None)
    if not isinstance(event["theta_rad"], float):
        return f"planes: {labels}; no fit"
    fit = "accepted track" if event["is_track"] else "fit not accepted (dashed)"
    return f"planes: {labels}; {fit}, chi2/ndf {event['chi2']:.1f}/{event['ndf']}; points: plane hits with 1 sigma"
