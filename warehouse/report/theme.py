"""How figures look: one palette for all of them (Okabe and Ito, distinguishable by colour-blind readers)."""

from typing import Any

GREY = "#7d8590"
ORANGE = "#e69f00"
SKY = "#56b4e9"
GREEN = "#009e73"
BLUE = "#0072b2"
VERMILLION = "#d55e00"
PURPLE = "#cc79a7"
INK = "#1b1f24"
RULE = "#d8dee4"

STAGES = {"counted": GREY, "efficiency corrected": ORANGE, "and pressure corrected": BLUE}
PLANES = {"plane 1": BLUE, "plane 2": ORANGE, "plane 3": GREEN, "plane 4": PURPLE}
STATIONS = (BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE, INK, GREY, "#999933")
FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"

CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "transparent",
    "padding": {"left": 2, "right": 10, "top": 4, "bottom": 2},
    "view": {"stroke": None},
    "axis": {
        "domainColor": GREY,
        "tickColor": GREY,
        "gridColor": "#eaeef2",
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 12.5,
        "titleFontWeight": 500,
        "titlePadding": 10,
        "tickSize": 4,
        "labelFlush": False,
    },
    "axisX": {"grid": False, "labelOverlap": "greedy"},
    "axisY": {"domain": False, "ticks": False, "tickCount": 5, "minExtent": 46},
    "legend": {
        "orient": "top",
        "direction": "horizontal",
        "title": None,
        "labelFontSize": 12.5,
        "labelColor": INK,
        "symbolOpacity": 1,
        "symbolSize": 90,
        "offset": 6,
        "columnPadding": 18,
    },
    "title": {"font": FONT, "fontSize": 13, "fontWeight": 600, "anchor": "start", "color": INK, "offset": 8},
    "errorband": {"opacity": 0.2},
}


def station_colour(station_id: int) -> str:
    """The colour of a station, the same in every figure."""
    return STATIONS[(station_id - 1) % len(STATIONS)]
