"""What a figure is: charts on named data sets, a caption, and how they become Vega-Lite and PNG."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from warehouse.files import write_bytes
from warehouse.report.theme import CONFIG, INK, RULE

VEGALITE_VERSION = "6.4"
PNG_DPI = 150
PNG_WIDTH = 860
AXIS_WIDTH = 80
INDEPENDENT = {"scale": {"color": "independent", "strokeDash": "independent"}}
SIGNIFICANT_DIGITS = 6
FIGURE_ENDINGS = (".png", ".svg", ".html")

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
Columns = dict[str, list[Any]]

# Data that only mark something behind the data proper.
BACKGROUND = {"zero", "borders", "exclusions"}

# Always there: what a line at zero is drawn from.
ZERO: dict[str, Columns] = {"zero": {"zero": [0]}}


@dataclass(frozen=True)
class Figure:
    """A figure of a page.

    ``charts`` are shown one below the other, or side by side in rows of ``n_columns``; each takes its data by name from
    ``data``, whose columns hold numbers, words, or times as milliseconds since 1970 (UTC).
    """

    number: str
    name: str
    title: str
    caption: str
    charts: list[Chart]
    data: Mapping[str, Columns] = field(default_factory=dict)
    n_columns: int = 1

    @property
    def key(self) -> str:
        """The figure's name in files and links, ``<nn>_<name>``."""
        return f"{self.number}_{self.name}"

    def without_empty_charts(self) -> "Figure":
        """The figure with those charts only that have anything to show."""
        filled = {name for name, columns in self.data.items() if any(columns.values())} - BACKGROUND
        return replace(self, charts=[chart for chart in self.charts if _data_names(_as_spec(chart)) & filled])

    def specs(self) -> list[dict[str, Any]]:
        """The Vega-Lite specification of each chart, its data by name."""
        return [_as_spec(chart) for chart in self.charts]

    def png(self) -> bytes:
        """The whole figure as a PNG of 150 dots per inch, on white."""
        png: bytes = vl_convert.vegalite_to_png(self.whole(), vl_version=VEGALITE_VERSION, ppi=PNG_DPI)
        return png

    def whole(self, *, has_title: bool = False) -> dict[str, Any]:
        """One Vega-Lite specification of all charts on white, if asked for with title and caption above them."""
        views = [{key: part for key, part in spec.items() if key != "config"} for spec in self.specs()]
        rows = [views[i : i + self.n_columns] for i in range(0, len(views), self.n_columns)]
        title = {"title": {"text": self.title, "subtitle": self.caption.splitlines()}} if has_title else {}
        return title | {
            "config": CONFIG | {"background": "white"},
            "datasets": {name: to_rows(columns) for name, columns in (ZERO | dict(self.data)).items()},
            "resolve": INDEPENDENT,
            "vconcat": [
                {"hconcat": [view | {"width": _width(row)} for view in row], "resolve": INDEPENDENT} for row in rows
            ],
        }

    def save(self, path: Path) -> None:
        """Write the figure with its title, as the ending of ``path`` says.

        Raises
        ------
        ValueError
            When the ending is not one of ``FIGURE_ENDINGS``.
        """
        spec, version = self.whole(has_title=True), VEGALITE_VERSION
        content: bytes | str
        match path.suffix.lower():
            case ".png":
                content = vl_convert.vegalite_to_png(spec, vl_version=version, ppi=PNG_DPI)
            case ".svg":
                content = vl_convert.vegalite_to_svg(spec, vl_version=version)
            case ".html":
                content = vl_convert.vegalite_to_html(spec, vl_version=version, bundle=True)
            case other:
                raise ValueError(f"'{other}' is no ending of a figure; known are {', '.join(FIGURE_ENDINGS)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content.encode() if isinstance(content, str) else content)


def _width(row: list[dict[str, Any]]) -> int:
    """Width of each chart of a row of a PNG, px, so that all rows are about as wide."""
    return (PNG_WIDTH - AXIS_WIDTH * (len(row) - 1)) // len(row)


def _as_spec(chart: Chart) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    spec.pop("$schema", None)
    return spec | {"config": CONFIG}


def _data_names(part: object) -> set[str]:
    """The names of the data sets that a specification reads."""
    if isinstance(part, list):
        return {name for item in part for name in _data_names(item)}
    if not isinstance(part, dict):
        return set()
    data = part.get("data")
    own = {data["name"]} if isinstance(data, dict) and "name" in data else set()
    return own | {name for value in part.values() for name in _data_names(value)}


def to_columns(frame: pl.DataFrame) -> Columns:
    """A frame as plain columns: times as milliseconds since 1970, numbers with six significant digits."""
    return {name: [_plain(value) for value in frame.get_column(name).to_list()] for name in frame.columns}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1)).total_seconds() * 1000
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return value


def to_rows(columns: Columns) -> list[dict[str, Any]]:
    """Columns as the rows Vega reads."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def named(data: str) -> alt.Chart:
    """An empty chart on the data set ``data``, as wide as its place on the page."""
    chart: alt.Chart = alt.Chart(alt.NamedData(data)).properties(width="container")
    return chart


# Ticks of a time axis say what changes from one to the next.
TICK_FORMAT = {
    "year": "%b %Y",
    "quarter": "%b %Y",
    "month": "%b %Y",
    "week": "%b %d",
    "date": "%b %d",
    "hours": "%H:%M",
    "minutes": "%H:%M",
}


def time_axis(ticks: int = 8, domain: tuple[datetime, datetime] | None = None) -> alt.X:
    """The time axis, UTC, on column ``t``, over ``domain`` or all data."""
    scale = alt.Scale(type="utc", domain=[_moment(time) for time in domain]) if domain else alt.Scale(type="utc")
    axis: alt.X = alt.X("t:T", title=None, scale=scale, axis=alt.Axis(tickCount=ticks, format=TICK_FORMAT))
    return axis


def _moment(time: datetime) -> alt.DateTime:
    """A moment by its parts: the interpreted expressions of the pages take no milliseconds here."""
    moment: alt.DateTime = alt.DateTime(
        year=time.year, month=time.month, date=time.day, hours=time.hour, minutes=time.minute, utc=True
    )
    return moment


def time_tooltip(title: str = "time (UTC)", form: str = "%Y-%m-%d %H:%M") -> alt.Tooltip:
    """The time of a mark in its tooltip, UTC."""
    tooltip: alt.Tooltip = alt.Tooltip("utcyearmonthdatehoursminutes(t):T", title=title, format=form)
    return tooltip


def zoom() -> alt.Parameter:
    """Drag to move along time, turn the wheel with Shift held to zoom, double-click to go back."""
    parameter: alt.Parameter = alt.selection_interval(bind="scales", encodings=["x"], zoom="wheel![event.shiftKey]")
    return parameter


def zero_line() -> alt.Chart:
    """A thin line at y = 0."""
    line: alt.Chart = (
        alt.Chart(alt.NamedData("zero")).mark_rule(color=INK, strokeWidth=1, opacity=0.5).encode(y="zero:Q")
    )
    return line


def border_rule(data: str) -> alt.Chart:
    """Vertical rules at the times of ``data``, with the word there."""
    rule: alt.Chart = (
        alt.Chart(alt.NamedData(data))
        .mark_rule(color=RULE, strokeDash=[4, 3], strokeWidth=1.5)
        .encode(x=alt.X("t:T"), tooltip=["label:N"])
    )
    return rule
