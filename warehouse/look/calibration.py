"""Calibration constants: of one file, of a file against another or its neighbours, and their way over days."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import polars as pl

from warehouse.look.build_file import LookError

CONSTANTS = {
    "q_pedestal_front_ns": "q_status",
    "q_pedestal_back_ns": "q_status",
    "t_dif_offset_ns": "t_dif_status",
    "t_sum_offset_ns": "t_sum_status",
    "crosstalk_limit_ns": "crosstalk_status",
}
"""The constants that are compared, each with the column of its status."""

STATUSES = ("fresh", "fresh_outlier", "neighbour", "reference", "none", "no_peak")
TOLERANCES = {
    "q_pedestal_front_ns": "outlier_q_ns",
    "q_pedestal_back_ns": "outlier_q_ns",
    "t_dif_offset_ns": "outlier_t_dif_ns",
    "t_sum_offset_ns": "outlier_t_sum_ns",
}
NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

FILE = """
select
    file.file_id, file.base_name, file.station_id, file.start_time, file.conf_number, file.n_events,
    cal.n_links, cal.link_rms_ps, cal.crt_corrected_ps, cal.t_sum_gauge, cal.n_components, cal.detail
from dim_file as file
left join int_cal_file as cal using (file_id)
where file.file_id = ?
"""
FILES_OF_DAY = """
select
    used.file_id, file.base_name, file.start_time, file.n_events,
    {counts},
    max(used.n_neighbours_before) as n_neighbours_before,
    max(used.n_neighbours_after) as n_neighbours_after,
    any_value(cal.n_links) as n_links,
    any_value(cal.link_rms_ps) as link_rms_ps
from fct_calibration as used
inner join dim_file as file using (file_id)
left join int_cal_file as cal using (file_id)
where file.station_id = ? and cast(file.start_time as date) = ?
group by all
order by file.start_time
"""
# Own fits of every file, whatever was used instead of them.
OWN = """
own as (
    select file_id, plane, strip, constant || '_ns' as constant, value_ns from int_cal_channel
    union all
    from (unpivot (select file_id, plane, strip, t_sum_offset_ns, crosstalk_limit_ns from int_cal_strip)
        on t_sum_offset_ns, crosstalk_limit_ns into name constant value value_ns)
)
"""
OWN_OF_FILE = f"with {OWN} select * exclude (file_id) from own where file_id = ? and value_ns is not null"
# The neighbours are chosen as the calibration chooses them, with all files that are there now.
NEIGHBOURS = f"""
with {OWN},
parameter as (select * from dim_detector_parameter),
near as (
    select
        other.file_id,
        other.start_time > file.start_time as is_after,
        abs(epoch(other.start_time) - epoch(file.start_time)) as distance_s,
        parameter.neighbour_files
    from dim_file as file
    inner join dim_file as other
        on
            file.station_id = other.station_id
            and coalesce(file.conf_number, -1) = coalesce(other.conf_number, -1)
            and file.file_id != other.file_id
    inner join parameter on file.station_id = parameter.station_id
    where file.file_id = ? and distance_s <= parameter.neighbour_days * 86400
),
ranked as (
    select
        own.plane, own.strip, own.constant, own.value_ns, near.neighbour_files,
        row_number() over (
            partition by near.is_after, own.plane, own.strip, own.constant order by near.distance_s, near.file_id
        ) as nearness
    from near
    inner join own using (file_id)
    where own.value_ns is not null
)
select
    plane, strip, constant,
    median(value_ns) as other_ns,
    {NORMAL_MAD} * mad(value_ns) as scatter_ns,
    count(*) as n_neighbours
from ranked
where nearness <= neighbour_files
group by plane, strip, constant
"""
GUARD = "select outlier_mad, {names} from dim_detector_parameter where station_id = ?"
STATUS = """
unpivot (select plane, strip, {columns} from fct_calibration where file_id = ?)
on columns(* exclude (plane, strip)) into name constant value status
"""
DRIFT = """
select day, plane, strip, constant, median, mad, n_files
from int_calibration_drift
where station_id = ? and day between ? and ?
"""
POINTS = """
select valid_from as t, plane, strip, {columns}
from fct_calibration
where station_id = ? and valid_from >= cast(? as date) and valid_from < cast(? as date) + 1
order by valid_from, plane, strip
"""


@dataclass(frozen=True)
class FileCalibration:
    """The 16 rows of `fct_calibration` of a file, and facts about it by name."""

    facts: dict[str, Any]
    strips: pl.DataFrame


def read_file(connection: duckdb.DuckDBPyConnection, file_id: int) -> FileCalibration:
    """The constants a file uses.

    Raises
    ------
    LookError
        When the file has none, such as one without events.
    """
    strips = connection.execute("from fct_calibration where file_id = ? order by plane, strip", [file_id]).pl()
    facts = connection.execute(FILE, [file_id]).pl().to_dicts()[0]
    if strips.is_empty():
        raise LookError(
            f"file {file_id} has no calibration: it holds no events, or the next `mingo transform` makes it"
        )
    return FileCalibration(facts, strips)


def read_day(connection: duckdb.DuckDBPyConnection, station_id: int, day: date) -> pl.DataFrame:
    """The calibrated files of a station that start on a day, with the number of constants of each status.

    Raises
    ------
    LookError
        With the days there are, when there is none.
    """
    statuses = "[" + ", ".join(f"used.{name}" for name in sorted(set(CONSTANTS.values()))) + "]"
    counts = ",\n    ".join(
        f"cast(sum(len(list_filter({statuses}, lambda s : s = '{status}'))) as bigint) as n_{status}"
        for status in STATUSES
    )
    files = connection.execute(FILES_OF_DAY.format(counts=counts), [station_id, day]).pl()
    if files.is_empty():
        raise LookError(f"no calibrated file of station {station_id} on {day}; {span_of(connection, station_id)}")
    return files


def span_of(connection: duckdb.DuckDBPyConnection, station_id: int) -> str:
    """A clause that says which days of a station are there."""
    row = connection.execute(
        "select min(start_time), max(start_time) from dim_file where station_id = ?", [station_id]
    ).fetchone()
    if row is None or row[0] is None:
        return "the build holds no file of this station"
    return f"its files start from {_day(row[0])} to {_day(row[1])}"


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"


def compare_files(connection: duckdb.DuckDBPyConnection, file_id: int, other_id: int) -> pl.DataFrame:
    """Own fits of two files, in ns, one row a strip and constant.

    ``scatter_ns`` is how far the 16 differences of a constant lie apart, 1.4826 times their median absolute deviation;
    ``significance`` the difference over it, so that a strip that moved alone stands out as well as a common shift.
    """
    other = connection.execute(OWN_OF_FILE, [other_id]).pl().rename({"value_ns": "other_ns"})
    joined = _with_other(connection, file_id, other.with_columns(n_neighbours=pl.lit(None, pl.Int64)))
    deviation = (pl.col("difference_ns") - pl.col("difference_ns").median().over("constant")).abs()
    return _judged(joined.with_columns(scatter_ns=NORMAL_MAD * deviation.median().over("constant")))


def compare_neighbours(connection: duckdb.DuckDBPyConnection, file_id: int) -> pl.DataFrame:
    """Own fits of a file beside the medians of its neighbours, in ns, one row a strip and constant.

    ``scatter_ns`` is the neighbours' own, 1.4826 times their median absolute deviation. ``is_outside`` tells what the
    outlier guard of the calibration would refuse with the neighbours that are there now.
    """
    other = connection.execute(NEIGHBOURS, [file_id]).pl()
    if other.is_empty():
        raise LookError(
            f"file {file_id} has no neighbours of its station and configuration; name a second file instead"
        )
    joined = _judged(_with_other(connection, file_id, other))
    return joined.with_columns(
        is_outside=pl.col("difference_ns").abs()
        > pl.max_horizontal(pl.col("outlier_mad") * pl.col("scatter_ns"), pl.col("tolerance_ns"))
    )


def _with_other(connection: duckdb.DuckDBPyConnection, file_id: int, other: pl.DataFrame) -> pl.DataFrame:
    key = ["plane", "strip", "constant"]
    own = connection.execute(OWN_OF_FILE, [file_id]).pl()
    columns = ", ".join(f"{status} as {name}" for name, status in CONSTANTS.items())
    status = connection.execute(STATUS.format(columns=columns), [file_id]).pl()
    row = connection.execute("select station_id from dim_file where file_id = ?", [file_id]).fetchone()
    assert row is not None
    names = ", ".join(sorted(set(TOLERANCES.values())))
    guard = connection.execute(GUARD.format(names=names), [row[0]]).pl().to_dicts()[0]
    tolerance = {name: guard[parameter] for name, parameter in TOLERANCES.items()}
    return (
        status.join(own, on=key, how="left")
        .join(other, on=key, how="left")
        .with_columns(
            difference_ns=pl.col("value_ns") - pl.col("other_ns"),
            tolerance_ns=pl.col("constant").replace_strict(tolerance, default=None, return_dtype=pl.Float64),
            outlier_mad=pl.lit(guard["outlier_mad"]),
        )
        .sort(pl.col("constant").cast(pl.Enum(list(CONSTANTS))), "plane", "strip")
    )


def _judged(frame: pl.DataFrame) -> pl.DataFrame:
    scatter = pl.when(pl.col("scatter_ns") > 0).then(pl.col("scatter_ns"))
    return frame.with_columns(significance=pl.col("difference_ns") / scatter)


def read_drift(connection: duckdb.DuckDBPyConnection, station_id: int, first: date, last: date) -> pl.DataFrame:
    """Daily medians of the constants a station used, ns: day, plane, strip, constant, median, mad, n_files.

    Raises
    ------
    LookError
        With the days there are, when there is none in the range.
    """
    drift = connection.execute(DRIFT, [station_id, first, last]).pl()
    if drift.is_empty():
        there = span_of(connection, station_id)
        raise LookError(f"no calibration of station {station_id} from {first} to {last}; {there}")
    return drift.sort(pl.col("constant").cast(pl.Enum(list(CONSTANTS))), "day", "plane", "strip")


def read_points(connection: duckdb.DuckDBPyConnection, station_id: int, first: date, last: date) -> pl.DataFrame:
    """Every used constant with its status: t, plane, strip, constant, value_ns, status."""
    columns = ", ".join([*CONSTANTS, *sorted(set(CONSTANTS.values()))])
    wide = connection.execute(POINTS.format(columns=columns), [station_id, first, last]).pl()
    return pl.concat(
        wide.select(
            "t", "plane", "strip", constant=pl.lit(name), value_ns=pl.col(name).cast(pl.Float64), status=pl.col(status)
        )
        for name, status in CONSTANTS.items()
    )


def summarise_drift(drift: pl.DataFrame) -> pl.DataFrame:
    """A row a constant: days, files, typical scatter within a day, and where its daily median moved most."""
    moved = drift.sort("day").with_columns(
        step=pl.col("median").diff().over("constant", "plane", "strip"),
        change=(pl.col("median").last() - pl.col("median").first()).over("constant", "plane", "strip"),
    )
    largest = pl.col("step").abs().fill_null(0).arg_max()
    return moved.group_by("constant", maintain_order=True).agg(
        n_days=pl.col("day").n_unique(),
        n_files=pl.col("n_files").sum() // pl.struct("plane", "strip").n_unique(),
        mad_ns=pl.col("mad").median(),
        largest_change_ns=pl.col("change").gather(pl.col("change").abs().arg_max()).first(),
        largest_step_ns=pl.col("step").gather(largest).first(),
        step_plane=pl.col("plane").gather(largest).first(),
        step_strip=pl.col("strip").gather(largest).first(),
        step_day=pl.col("day").gather(largest).first(),
    )
