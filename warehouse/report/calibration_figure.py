"""Calibration constants against time, each file a point coloured by where its constant came from."""

from datetime import date, datetime, time, timedelta

import altair as alt
import polars as pl

from warehouse.report.figure import Chart, Columns, Figure, named, time_axis, to_columns, zero_line
from warehouse.report.theme import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILLION

STATUS_COLOURS = {
    "fresh": BLUE,
    "fresh_outlier": VERMILLION,
    "neighbour": ORANGE,
    "reference": PURPLE,
    "none": INK,
    "no_peak": GREEN,
}
HEIGHT = 125
LABELS = {
    "q_pedestal_front_ns": "charge pedestal, front (ns)",
    "q_pedestal_back_ns": "charge pedestal, back (ns)",
    "t_dif_offset_ns": "time difference offset (ns)",
    "t_sum_offset_ns": "time sum offset (ns)",
    "crosstalk_limit_ns": "crosstalk limit (ns)",
}


def drift_figure(station: str, first: date, last: date, points: pl.DataFrame, drift: pl.DataFrame) -> Figure:
    """The constants of a station over days, each as its difference from the strip's median of the days shown.

    Parameters
    ----------
    points
        t, plane, strip, constant, value_ns, status: a row a file, strip and constant.
    drift
        day, plane, strip, constant, median: the daily medians, drawn as lines.

    With one constant there is a chart a plane; with several a chart a constant with all its strips.
    """
    points = _from_median(points.drop_nulls("value_ns"), "value_ns")
    daily = _from_median(drift.with_columns(t=pl.col("day").cast(pl.Datetime) + pl.duration(hours=12)), "median")
    constants = drift["constant"].unique(maintain_order=True).to_list()
    panels = [(c, p) for c in constants for p in ((1, 2, 3, 4) if len(constants) == 1 else (None,))]
    data: dict[str, Columns] = {}
    charts: list[Chart] = []
    for constant, plane in panels:
        key = constant if plane is None else f"{constant}_{plane}"
        wanted = (pl.col("constant") == constant) & (True if plane is None else pl.col("plane") == plane)
        data[f"{key}_point"] = to_columns(points.filter(wanted).select("t", "y", "label", "status", "value_ns"))
        data[f"{key}_day"] = to_columns(daily.filter(wanted).select("t", "y", "label"))
        title = LABELS[constant] if plane is None else f"plane {plane}: {LABELS[constant]}"
        charts.append(_panel(key, title, _midnight(first), _midnight(last + timedelta(days=1)), has_legend=not charts))
    caption = (
        "Difference from the median of the strip over the days shown, each strip of each file a point.\n"
        "Lines: daily medians of each strip. Colour: where the file took the constant from."
    )
    title = f"{station}: calibration constants from {first} to {last}"
    return Figure("17", "calibration", title, caption, charts, data)


def _from_median(frame: pl.DataFrame, value: str) -> pl.DataFrame:
    middle = pl.col(value).median().over("constant", "plane", "strip")
    return frame.with_columns(y=pl.col(value) - middle, label=pl.format("P{}S{}", "plane", "strip"))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _panel(key: str, title: str, begin: datetime, end: datetime, *, has_legend: bool) -> Chart:
    scale = alt.Scale(domain=list(STATUS_COLOURS), range=list(STATUS_COLOURS.values()))
    legend = alt.Legend(title=None, columns=len(STATUS_COLOURS)) if has_legend else None
    axis = time_axis(domain=(begin, end))
    y = alt.Y("y:Q", title=None, scale=alt.Scale(zero=False))
    lines = named(f"{key}_day").mark_line(color=GREY, opacity=0.45, strokeWidth=1).encode(axis, y, detail="label:N")
    points = (
        named(f"{key}_point")
        .mark_circle(size=22, opacity=0.75)
        .encode(
            axis,
            y,
            color=alt.Color("status:N", scale=scale, legend=legend),
            tooltip=["label:N", "status:N", alt.Tooltip("value_ns:Q", format=".4f"), alt.Tooltip("y:Q", format="+.4f")],
        )
    )
    layers: Chart = alt.layer(zero_line(), lines, points).properties(title=title, height=HEIGHT)
    return layers
