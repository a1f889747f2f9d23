"""The figures of the network page."""

from datetime import datetime, timedelta

import altair as alt
import polars as pl

from warehouse.report.aggregate import mean_by, newest, usable
from warehouse.report.figure import (
    TICK_FORMAT,
    Chart,
    Columns,
    Figure,
    named,
    time_axis,
    time_tooltip,
    to_columns,
    zero_line,
    zoom,
)
from warehouse.report.theme import BLUE, station_colour

HEIGHT = 120


def rates(stations: dict[str, tuple[int, pl.DataFrame]]) -> Figure:
    """Figure 01: the normalised corrected rate of all stations, one below the other on one time axis.

    ``stations`` maps a station's code to its number and its hours.
    """
    charts: list[Chart] = []
    data: dict[str, Columns] = {}
    good = {code: with_relative_rate(usable(hours)) for code, (_, hours) in stations.items()}
    domain = _time_domain([hours for _, hours in stations.values()])
    limit = _limit(list(good.values()))
    for code, (station_id, _) in stations.items():
        colour = station_colour(station_id)
        hours = newest(good[code]).select(
            (pl.col("bin_start") + pl.duration(minutes=30)).alias("t"), pl.col("relative_pct").alias("y")
        )
        data[f"hours_{code}"] = to_columns(hours)
        data[f"days_{code}"] = to_columns(mean_by(good[code], "1d", "relative_pct", "relative_sigma_pct"))
        y = alt.Y("y:Q", title="%", scale=alt.Scale(domain=[-limit, limit], clamp=True))
        x = time_axis(domain=domain)
        dots = named(f"hours_{code}").mark_point(size=9, filled=True, opacity=0.35, color=colour).encode(x, y)
        bars = (
            named(f"days_{code}").mark_rule(color=colour, strokeWidth=1.6).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
        )
        means = (
            named(f"days_{code}")
            .mark_line(color=colour, strokeWidth=1.6, point=alt.OverlayMarkDef(color=colour, size=24))
            .encode(
                x,
                y,
                tooltip=[
                    time_tooltip("day (UTC)", "%Y-%m-%d"),
                    alt.Tooltip("y:Q", title="rate (% of reference)", format=".3f"),
                    alt.Tooltip("s:Q", title="1 sigma (%)", format=".3f"),
                ],
            )
            .add_params(zoom())
        )
        charts.append(alt.layer(zero_line(), dots, bars, means).properties(height=HEIGHT, title=code))
    return Figure(
        "01",
        "rates",
        "Corrected rate of the network",
        "Deviation of the corrected rate from each station's reference; from the mean of the hours shown as long as a "
        "station has none. Dots are usable hours, larger points daily means with 1 σ.",
        charts,
        data,
    )


def with_relative_rate(hours: pl.DataFrame) -> pl.DataFrame:
    """Hours with ``relative_pct`` and its error: the published normalised rate, else relative to the mean of the hours.

    A station has no reference before half of a solar rotation is covered.
    """
    if hours.get_column("rate_norm_pct").null_count() < hours.height:
        return hours.drop_nulls("rate_norm_pct").rename(
            {"rate_norm_pct": "relative_pct", "rate_norm_sigma_pct": "relative_sigma_pct"}
        )
    mean_hz = pl.col("rate_final_hz").mean()
    return hours.with_columns(
        (100 * (pl.col("rate_final_hz") / mean_hz - 1)).alias("relative_pct"),
        (100 * pl.col("rate_final_sigma_hz") / mean_hz).alias("relative_sigma_pct"),
    )


def coverage(stations: dict[str, tuple[int, pl.DataFrame]]) -> Figure:
    """Figure 11: live share of each day of each station."""
    frames = [
        hours.group_by(pl.col("bin_start").dt.truncate("1d").alias("t"))
        .agg((pl.col("live_s").sum() / 86_400).alias("coverage"))
        .with_columns(pl.lit(code).alias("station"))
        .sort("t")
        for code, (_, hours) in stations.items()
    ]
    chart = (
        named("coverage")
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            alt.X(
                "utcyearmonthdate(t):T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(tickCount=8, format=TICK_FORMAT),
            ),
            alt.Y("station:N", title=None),
            alt.Color(
                "coverage:Q",
                scale=alt.Scale(domain=[0, 1], range=["#f3cdb6", "#c9dff0", BLUE]),
                legend=alt.Legend(title="live share", format=".0%", gradientLength=160, titleFontWeight="normal"),
            ),
            tooltip=[
                alt.Tooltip("station:N"),
                time_tooltip("day (UTC)", "%Y-%m-%d"),
                alt.Tooltip("coverage:Q", title="live share", format=".3f"),
            ],
        )
        .properties(height=28 * max(len(stations), 1))
    )
    return Figure(
        "11",
        "coverage",
        "Coverage",
        "Live seconds of each day over 86 400.",
        [chart],
        {"coverage": to_columns(pl.concat(frames))},
    )


def _time_domain(frames: list[pl.DataFrame]) -> tuple[datetime, datetime] | None:
    """First to last moment of all stations, so that the charts share their axis."""
    times = pl.concat([frame.select("bin_start") for frame in frames]).to_series().sort().to_list()
    return (times[0], times[-1] + timedelta(hours=1)) if times else None


def _limit(frames: list[pl.DataFrame]) -> float:
    """The height of the common axis, %: nearly all hours of the noisiest station."""
    quantiles = [frame.get_column("relative_pct").abs().quantile(0.995) for frame in frames if frame.height]
    return float(f"{max([q for q in quantiles if q is not None] or [1.0]) * 1.1:.2g}")
