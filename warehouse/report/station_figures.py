"""The figures of a station's page."""

import altair as alt
import polars as pl

from warehouse.report.aggregate import (
    mean_by,
    newest,
    pressure_bins,
    pressure_points,
    stage_days,
    stage_hours,
    thin,
    usable,
)
from warehouse.report.figure import (
    TICK_FORMAT,
    Chart,
    Columns,
    Figure,
    border_rule,
    named,
    time_axis,
    time_tooltip,
    to_columns,
    zero_line,
    zoom,
)
from warehouse.report.numbers import with_error
from warehouse.report.theme import BLUE, GREEN, INK, ORANGE, PLANES, PURPLE, STAGES, VERMILLION

HEIGHT = 290
LOW_HEIGHT = 150
LOG_RATE = "100 ln(rate / mean)  (%)"
LONG_SPAN_DAYS = 60
DAILY_SPAN_DAYS = 180
DASHES = [[1, 0], [1, 0], [3, 3]]
ENVIRONMENT = {
    "pressure (hPa)": {
        "outside": ("pressure_ext_hpa", BLUE),
        "inside": ("pressure_int_hpa", ORANGE),
        "used": ("pressure_lab_hpa", INK),
    },
    "temperature (°C)": {"outside": ("temp_ext_degc", BLUE), "inside": ("temp_int_degc", ORANGE)},
    "relative humidity (%)": {"outside": ("rh_ext_pct", BLUE), "inside": ("rh_int_pct", ORANGE)},
    "high voltage (kV)": {"negative side": ("hv_neg_kv", PURPLE), "positive side": ("hv_pos_kv", GREEN)},
}


def _colour(field: str, palette: dict[str, str]) -> alt.Color:
    colour: alt.Color = alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=list(palette), range=list(palette.values())),
        sort=list(palette),
    )
    return colour


def configuration_borders(hours: pl.DataFrame) -> Columns:
    """Where a new detector configuration begins: t and a label; none for the first."""
    changes = (
        hours.drop_nulls("conf_number")
        .filter(pl.col("conf_number") != pl.col("conf_number").shift(1))
        .select(
            pl.col("bin_start").alias("t"),
            pl.format("configuration {} begins", pl.col("conf_number")).alias("label"),
        )
    )
    return to_columns(changes)


def exclusion_bands(hours: pl.DataFrame) -> Columns:
    """Spans left out of the fits although there was live time: t, t_end, reason; neighbours with one reason joined."""
    excluded = hours.filter(pl.col("is_excluded") & (pl.col("live_s") > 0))
    is_new = (pl.col("bin_start").diff() != pl.duration(hours=1)) | (
        pl.col("fit_exclusion_reason") != pl.col("fit_exclusion_reason").shift(1)
    )
    bands = (
        excluded.with_columns(is_new.fill_null(True).cum_sum().alias("band"))
        .group_by("band", maintain_order=True)
        .agg(
            pl.col("bin_start").min().alias("t"),
            (pl.col("bin_start").max() + pl.duration(hours=1)).alias("t_end"),
            pl.col("fit_exclusion_reason").first().alias("reason"),
        )
        .drop("band")
    )
    return to_columns(bands)


def rates(hours: pl.DataFrame) -> Figure:
    """Figure 01: the stages of the correction."""
    good = hours.filter("is_usable")
    value = alt.Y("y:Q", title="rate (Hz)", scale=alt.Scale(zero=False))
    colour = _colour("stage", STAGES)
    dots = named("stage_hours").mark_point(size=10, filled=True, opacity=0.4).encode(time_axis(), value, colour)
    line = named("stage_days").mark_line(strokeWidth=1.6).encode(time_axis(), value, colour)
    bars = named("stage_days").mark_rule(strokeWidth=1.6).encode(time_axis(), alt.Y("low:Q"), alt.Y2("high:Q"), colour)
    means = (
        named("stage_days")
        .mark_point(size=26, filled=True, opacity=1)
        .encode(
            time_axis(),
            value,
            colour,
            tooltip=[
                time_tooltip("day (UTC)", "%Y-%m-%d"),
                alt.Tooltip("stage:N"),
                alt.Tooltip("y:Q", title="rate (Hz)", format=".4f"),
                alt.Tooltip("s:Q", title="1 sigma (Hz)", format=".4f"),
            ],
        )
        .add_params(zoom())
    )
    bands = (
        named("exclusions")
        .mark_rect(color=VERMILLION, opacity=0.12)
        .encode(alt.X("t:T"), alt.X2("t_end:T"), tooltip=[alt.Tooltip("reason:N", title="left out of fits")])
    )
    marks: list[alt.Chart] = [dots, line, bars, means]
    spans, borders = exclusion_bands(hours), configuration_borders(hours)
    if borders["t"]:
        marks.insert(0, border_rule("borders"))
    if spans["t"]:
        marks.insert(0, bands)
    chart = alt.layer(*marks).properties(height=HEIGHT)
    return Figure(
        "01",
        "rates",
        "Rate, stage by stage",
        "Dots are usable hours, larger points daily means with 1 σ. Shaded spans were left out of the fits; "
        "dashed lines mark a new detector configuration.",
        [chart],
        {
            "stage_hours": to_columns(stage_hours(newest(good))),
            "stage_days": to_columns(stage_days(good)),
            "exclusions": spans,
            "borders": borders,
        },
    )


def corrections(hours: pl.DataFrame) -> Figure:
    """Figure 02: every correction but one, against the final rate."""
    every = "1d" if _span_days(hours) > LONG_SPAN_DAYS else "1h"
    relative = usable(hours).with_columns(
        **{
            name: 100 * (pl.col(f"rate_without_{name}_hz") / pl.col("rate_final_hz") - 1)
            for name in ("eff", "pressure")
        },
        error=pl.lit(0.0),
    )
    data = {
        f"without_{name}": to_columns(mean_by(relative, every, name, "error").select("t", "y"))
        for name in ("eff", "pressure")
    }
    charts: list[Chart] = []
    for name, word, colour in (("eff", "efficiency", ORANGE), ("pressure", "pressure", BLUE)):
        line = (
            named(f"without_{name}")
            .mark_line(color=colour, strokeWidth=1.5)
            .encode(
                time_axis(),
                alt.Y("y:Q", title="change (%)", scale=alt.Scale(zero=name == "pressure")),
                tooltip=[time_tooltip(), alt.Tooltip("y:Q", title="change (%)", format=".2f")],
            )
            .add_params(zoom())
        )
        layers = [zero_line(), line] if name == "pressure" else [line]
        charts.append(
            alt.layer(*layers).properties(height=LOW_HEIGHT, title=f"Final rate, but without the {word} correction")
        )
    return Figure(
        "02",
        "corrections",
        "What each correction does",
        "The final rate with one correction left out, relative to the final rate. Flat means the correction only "
        "scales; structure is what it removes.",
        charts,
        data,
    )


def efficiency(hours: pl.DataFrame) -> Figure:
    """Figure 03: the four planes with their errors."""
    ok = hours.filter((pl.col("eff_status") == "ok") & pl.col("is_usable"))
    every = "1d" if _span_days(hours) > LONG_SPAN_DAYS else "3h"
    frames = [
        mean_by(ok, every, f"eff_{k}", f"eff_{k}_sigma").with_columns(pl.lit(f"plane {k}").alias("plane"))
        for k in (1, 2, 3, 4)
    ]
    colour = _colour("plane", PLANES)
    value = alt.Y("y:Q", title="efficiency", scale=alt.Scale(zero=False), axis=alt.Axis(format=".2f"))
    band = named("planes").mark_area(opacity=0.22).encode(time_axis(), alt.Y("low:Q"), alt.Y2("high:Q"), colour)
    line = (
        named("planes")
        .mark_line(strokeWidth=1.5, point=alt.OverlayMarkDef(size=10))
        .encode(
            time_axis(),
            value,
            colour,
            tooltip=[
                time_tooltip(),
                alt.Tooltip("plane:N"),
                alt.Tooltip("y:Q", title="efficiency", format=".4f"),
                alt.Tooltip("s:Q", title="1 sigma", format=".4f"),
            ],
        )
        .add_params(zoom())
    )
    telescope = ok.get_column("eff_telescope").mean() if ok.height else None
    mean = f" Mean efficiency of the telescope: {telescope:.3f}." if isinstance(telescope, float) else ""
    is_window = "eff_source" in ok.columns and (ok.get_column("eff_source") == "window").any()
    window = " Where an hour holds too few tracks the efficiency is that of 24 h around it." if is_window else ""
    return Figure(
        "03",
        "efficiency",
        "Efficiency of the planes",
        f"Share of the tracks through a plane that it saw, mean of {'a day' if every == '1d' else 'three hours'} with "
        f"1 σ bands.{window}{mean}",
        [alt.layer(band, line).properties(height=HEIGHT - 30)],
        {"planes": to_columns(pl.concat(frames))},
    )


def pressure(hours: pl.DataFrame, beta: float | None, beta_sigma: float | None, source: str | None) -> Figure:
    """Figure 05: the barometric effect before and after its correction, with the applied coefficient (%/hPa)."""
    points = pressure_points(hours)
    x = alt.X("dp:Q", title="pressure − reference (hPa)", scale=alt.Scale(zero=False))
    charts: list[Chart] = []
    data = {"pressure_points": to_columns(thin(points))}
    domain = _domain(points)
    for column, word, colour in (("before", "Before", ORANGE), ("after", "After", BLUE)):
        data[f"bins_{column}"] = to_columns(pressure_bins(points, column))
        y = alt.Y(f"{column}:Q", title=LOG_RATE, scale=alt.Scale(domain=domain, clamp=True))
        cloud = named("pressure_points").mark_point(size=13, filled=True, opacity=0.45, color=colour).encode(x, y)
        charts.append(
            alt.layer(cloud, *_line(data, column, beta), *_bin_marks(f"bins_{column}", x, INK)).properties(
                height=HEIGHT, title=f"{word} the correction"
            )
        )
    charts.append(
        alt.layer(zero_line(), *_bin_marks("bins_after", x, BLUE, "residual (%)")).properties(
            height=LOW_HEIGHT, title="What is left, in bins of 2 hPa"
        )
    )
    applied = with_error(beta, beta_sigma)
    return Figure(
        "05",
        "pressure",
        "Barometric effect",
        f"Applied coefficient β = {applied} %/hPa ({source or 'none'}). Points with bars are means in bins of "
        "2 hPa; the line is β. Each month has its own level, as in the fit.",
        charts,
        data,
        n_columns=2,
    )


def _domain(points: pl.DataFrame) -> list[float]:
    if points.is_empty():
        return [-1.0, 1.0]
    low, high = (points.get_column("before").quantile(q) or 0.0 for q in (0.002, 0.998))
    spread = max(abs(low), abs(high), 1.0) * 1.15
    return [round(-spread, 2), round(spread, 2)]


def _line(data: dict[str, Columns], column: str, beta: float | None) -> list[alt.Chart]:
    """The line of the coefficient before, the zero line after the correction."""
    slope = {"before": beta, "after": 0.0}[column]
    ends = [v for v in data["bins_before"]["dp"] if v is not None]
    if slope is None or not ends:
        return []
    data[f"line_{column}"] = {"dp": [min(ends), max(ends)], "y": [slope * min(ends), slope * max(ends)]}
    return [named(f"line_{column}").mark_line(color=INK, strokeWidth=1.5).encode(alt.X("dp:Q"), alt.Y("y:Q"))]


def _bin_marks(data: str, x: alt.X, colour: str, title: str = LOG_RATE) -> list[alt.Chart]:
    bars = named(data).mark_rule(color=colour, strokeWidth=1.6).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
    means = (
        named(data)
        .mark_point(size=38, filled=True, opacity=1, color=colour)
        .encode(
            x,
            alt.Y("y:Q", title=title),
            tooltip=[
                alt.Tooltip("dp:Q", title="pressure − reference (hPa)"),
                alt.Tooltip("y:Q", title="mean (%)", format=".3f"),
                alt.Tooltip("s:Q", title="1 sigma (%)", format=".3f"),
                alt.Tooltip("n:Q", title="hours"),
            ],
        )
    )
    return [bars, means]


def coverage(hours: pl.DataFrame) -> Figure:
    """Figure 11: live share of each hour, day by day."""
    cells = newest(hours).select(
        pl.col("bin_start").dt.truncate("1d").alias("t"),
        pl.col("bin_start").dt.hour().alias("hour"),
        pl.col("coverage"),
    )
    chart = (
        named("coverage")
        .mark_rect()
        .encode(
            alt.X(
                "utcyearmonthdate(t):T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(tickCount=8, format=TICK_FORMAT),
            ),
            alt.Y("hour:O", title="hour of day (UTC)", axis=alt.Axis(values=[0, 6, 12, 18, 23], grid=False)),
            alt.Color(
                "coverage:Q",
                scale=alt.Scale(domain=[0, 1], range=["#f3cdb6", "#c9dff0", BLUE]),
                legend=alt.Legend(title="live share", format=".0%", gradientLength=160, titleFontWeight="normal"),
            ),
            tooltip=[
                time_tooltip("day (UTC)", "%Y-%m-%d"),
                alt.Tooltip("hour:O", title="hour"),
                alt.Tooltip("coverage:Q", title="live share", format=".3f"),
            ],
        )
        .properties(height=210)
    )
    return Figure(
        "11",
        "coverage",
        "Coverage",
        "Live seconds of each hour over 3600. White is no data of any kind.",
        [chart],
        {"coverage": to_columns(cells)},
    )


def environment(hours: pl.DataFrame) -> Figure:
    """Figure 13: pressure, temperature, humidity and high voltage by the lab logs."""
    every = "1d" if _span_days(hours) > DAILY_SPAN_DAYS else "1h"
    charts: list[Chart] = []
    data: dict[str, Columns] = {}
    for number, (title, lines) in enumerate(ENVIRONMENT.items()):
        name = f"environment_{number}"
        frames = [
            hours.drop_nulls(column)
            .group_by(pl.col("bin_start").dt.truncate(every).alias("t"), maintain_order=True)
            .agg(pl.col(column).mean().alias("y"))
            .with_columns(pl.lit(label).alias("line"))
            for label, (column, _) in lines.items()
        ]
        data[name] = to_columns(pl.concat(frames))
        colours = {label: colour for label, (_, colour) in lines.items()}
        chart = (
            named(name)
            .mark_line(strokeWidth=1.3)
            .encode(
                time_axis(ticks=5),
                alt.Y("y:Q", title=title, scale=alt.Scale(zero=False)),
                _colour("line", colours),
                alt.StrokeDash(
                    "line:N", sort=list(lines), scale=alt.Scale(domain=list(lines), range=DASHES[: len(lines)])
                ),
                tooltip=[time_tooltip(), alt.Tooltip("line:N", title="sensor"), alt.Tooltip("y:Q", title=title)],
            )
            .add_params(zoom())
            .properties(height=LOW_HEIGHT + 20)
        )
        charts.append(chart)
    return Figure(
        "13",
        "environment",
        "Environment",
        "Sensors of the lab logs, means of the hour" + (" by day." if every == "1d" else "."),
        charts,
        data,
        n_columns=2,
    )


def _span_days(hours: pl.DataFrame) -> float:
    first, last = hours.get_column("bin_start").min(), hours.get_column("bin_start").max()
    return float((last - first).total_seconds() / 86_400)  # type: ignore[operator, union-attr]
