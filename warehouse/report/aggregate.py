"""Means by day and by pressure bin, with their errors, from published hours."""

import polars as pl

DOT_DAYS = 180
PRESSURE_BIN_HPA = 2.0
MAX_SCATTER = 3000
STAGE_COLUMNS = {"counted": "rate_raw", "efficiency corrected": "rate_eff", "and pressure corrected": "rate_final"}


def usable(hours: pl.DataFrame) -> pl.DataFrame:
    """Hours whose rate may be looked at."""
    return hours.filter(pl.col("is_usable") & pl.col("rate_final_hz").is_not_null())


def newest(hours: pl.DataFrame, days: int = DOT_DAYS) -> pl.DataFrame:
    """The newest ``days`` of the hours: single hours are drawn no further back, so that a page stays light."""
    return hours.filter(pl.col("bin_start") >= pl.col("bin_start").max() - pl.duration(days=days))


def mean_by(frame: pl.DataFrame, every: str, value: str, sigma: str) -> pl.DataFrame:
    """Live-time weighted mean of ``value`` in steps of ``every``, columns t (middle), y, s (1 sigma), low, high.

    The error is that of independent hours, sqrt(sum((T s)^2)) / sum(T). Steps without data between first and last
    are rows of NULL, so that a drawn line breaks there.
    """
    weight = pl.col("live_s")
    means = (
        frame.drop_nulls([value, sigma])
        .group_by(pl.col("bin_start").dt.truncate(every).alias("t"))
        .agg(
            ((pl.col(value) * weight).sum() / weight.sum()).alias("y"),
            ((pl.col(sigma) * weight).pow(2).sum().sqrt() / weight.sum()).alias("s"),
        )
        .sort("t")
    )
    return (means.upsample("t", every=every) if means.height else means).with_columns(
        (pl.col("t").dt.offset_by(every) - pl.col("t")).truediv(2).add(pl.col("t")).alias("t"),
        (pl.col("y") - pl.col("s")).alias("low"),
        (pl.col("y") + pl.col("s")).alias("high"),
    )


def stage_hours(hours: pl.DataFrame) -> pl.DataFrame:
    """Single hours of each stage: t, stage, y, s."""
    frames = [
        hours.select(
            (pl.col("bin_start") + pl.duration(minutes=30)).alias("t"),
            pl.lit(stage).alias("stage"),
            pl.col(f"{column}_hz").alias("y"),
            pl.col(f"{column}_sigma_hz").alias("s"),
        )
        for stage, column in STAGE_COLUMNS.items()
    ]
    return pl.concat(frames).drop_nulls("y")


def stage_days(hours: pl.DataFrame) -> pl.DataFrame:
    """Daily means of each stage: t, y, s, low, high, stage."""
    frames = [
        mean_by(hours, "1d", f"{column}_hz", f"{column}_sigma_hz").with_columns(pl.lit(stage).alias("stage"))
        for stage, column in STAGE_COLUMNS.items()
    ]
    return pl.concat(frames)


def pressure_points(hours: pl.DataFrame) -> pl.DataFrame:
    """What the barometric fit sees: dp (hPa), before and after (100 ln of the rate, %), s (% error), one row an hour.

    As in the fit, each configuration and month has its own level: the level is taken off so that all lie on the line
    through zero at the reference pressure, ``before = beta dp``.
    """
    rows = usable(hours).filter(~pl.col("is_excluded") & pl.col("pressure_delta_hpa").is_not_null())
    block = [pl.col("conf_number"), pl.col("bin_start").dt.truncate("1mo")]
    weight = (pl.col("rate_eff_hz") / pl.col("rate_eff_sigma_hz")).pow(2)

    def level(column: str) -> pl.Expr:
        return (pl.col(column) * weight).sum().over(block) / weight.sum().over(block)

    return (
        rows.with_columns(
            pl.col("pressure_delta_hpa").alias("dp"),
            (100 * pl.col("rate_eff_hz").log()).alias("before"),
            (100 * pl.col("rate_final_hz").log()).alias("after"),
            (100 * pl.col("rate_eff_sigma_hz") / pl.col("rate_eff_hz")).alias("s"),
        )
        .with_columns(
            (pl.col("before") - level("after")).alias("before"),
            (pl.col("after") - level("after")).alias("after"),
        )
        .select("dp", "before", "after", "s")
    )


def pressure_bins(points: pl.DataFrame, column: str) -> pl.DataFrame:
    """Inverse-variance means of ``column`` in pressure bins of 2 hPa: dp (middle), y, s, low, high, n."""
    weight = 1 / pl.col("s").pow(2)
    return (
        points.group_by(((pl.col("dp") / PRESSURE_BIN_HPA).floor() * PRESSURE_BIN_HPA).alias("dp"))
        .agg(
            ((pl.col(column) * weight).sum() / weight.sum()).alias("y"),
            (1 / weight.sum().sqrt()).alias("s"),
            pl.len().alias("n"),
        )
        .with_columns(
            (pl.col("dp") + PRESSURE_BIN_HPA / 2).alias("dp"),
            (pl.col("y") - pl.col("s")).alias("low"),
            (pl.col("y") + pl.col("s")).alias("high"),
        )
        .sort("dp")
    )


def thin(frame: pl.DataFrame, n: int = MAX_SCATTER) -> pl.DataFrame:
    """Every k-th row, at most ``n``: a cloud of points looks the same with fewer."""
    return frame.gather_every(max(1, -(-frame.height // n)))
