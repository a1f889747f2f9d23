"""A file in numbers, and one event from its raw strip ends to its track."""

from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from warehouse.look.build_file import LookError

FACTS = """
select file.*, built.run_id, built.built_at
from dim_file as file
left join fct_file as built using (file_id)
where file.file_id = ?
"""
LABELS = """
select
    tt_label.tt,
    count(*) filter (where track.raw_tt = tt_label.tt) as raw_tt,
    count(*) filter (where track.clean_tt = tt_label.tt) as clean_tt,
    count(*) filter (where track.cal_tt = tt_label.tt) as cal_tt,
    count(*) filter (where track.list_tt = tt_label.tt) as list_tt,
    count(*) filter (where track.fit_tt = tt_label.tt) as fit_tt
from tt_label
left join fct_track as track on track.file_id = ?
group by tt_label.tt, tt_label.display_order
order by tt_label.display_order
"""
EVENTS = """
select
    clean.event_number, clean.event_time, clean.event_class, clean.raw_tt, clean.clean_tt,
    track.cal_tt, track.list_tt, track.fit_tt, clean.n_two_ended, clean.n_one_ended,
    degrees(track.theta_rad) as theta_deg, degrees(track.phi_rad) as phi_deg,
    track.chi2, track.ndf, track.removed_plane, track.track_reject_mask
from int_event_clean as clean
left join fct_track as track using (file_id, event_number)
where clean.file_id = ?
order by clean.event_number
limit ?
"""
# Raw values beside what became of them: the cleaned strip, then the calibrated one.
STRIPS = """
select
    raw.plane, raw.strip,
    raw.t_front_ns, raw.t_back_ns, raw.q_front_ns, raw.q_back_ns,
    coalesce(hit.strip_state, if(raw.q_front_ns is null and raw.q_back_ns is null, 'time_only', 'none')) as strip_state,
    hit.reject_mask_front, hit.reject_mask_back,
    calibrated.x_mm, calibrated.t_sum_ns, calibrated.t_dif_ns, calibrated.q_sum_ns, calibrated.q_dif_ns,
    calibrated.q_fc, calibrated.reject_mask, calibrated.is_crosstalk, calibrated.is_accepted
from stg_raw_hit as raw
left join int_hit as hit using (file_id, event_number, plane, strip)
left join int_strip_hit as calibrated using (file_id, event_number, plane, strip)
where raw.file_id = ? and raw.event_number = ?
order by raw.plane, raw.strip
"""
PLANES = """
with
height as (
    unpivot (select z_plane_1_mm, z_plane_2_mm, z_plane_3_mm, z_plane_4_mm from dim_file where file_id = $file)
    on columns(*) into name word value z_mm
)
select
    cast(height.word[9:9] as tinyint) as plane, height.z_mm,
    hit.t_ns, hit.x_mm, hit.y_mm, hit.sigma_t_ns, hit.sigma_x_mm, hit.sigma_y_mm, hit.q_sum_ns, hit.q_fc,
    hit.strip_pattern, hit.cluster_class, hit.is_streamer, hit.is_low_charge, hit.n_crosstalk, hit.n_one_ended,
    other.residual_x_mm, other.residual_y_mm, other.residual_t_ns, other.loo_x_mm, other.loo_y_mm, other.loo_t_ns,
    other.x_pred_mm, other.y_pred_mm, other.leverage, other.is_in_fiducial
from height
left join int_plane_hit as hit
    on hit.file_id = $file and hit.event_number = $event and hit.plane = cast(height.word[9:9] as tinyint)
left join int_track_plane as other
    on other.file_id = $file and other.event_number = $event and other.plane = cast(height.word[9:9] as tinyint)
order by plane
"""
GEOMETRY = "select plane, strip, y_centre_mm, width_mm from strip_geometry order by plane, strip"
MIDDLE = """
select strip_length_mm / (2 * strip_speed_mm_per_ns) as middle_ns from dim_detector_parameter where station_id = ?
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class FileSummary:
    """A file: facts by name, counters, channels that are not ok, labels, quality by name and its first events."""

    facts: Row
    quality: Row
    counters: pl.DataFrame
    channels: pl.DataFrame
    labels: pl.DataFrame
    events: pl.DataFrame


@dataclass(frozen=True)
class EventView:
    """One event.

    ``event`` is its row of `int_event_clean` with that of `fct_track`; ``strips`` have raw, cleaned and calibrated
    values; ``planes`` four rows with height, plane hit and residuals; ``geometry`` the 16 strips; ``middle_ns`` the
    time a signal needs from the middle of a strip to its ends.
    """

    file: Row
    event: Row
    strips: pl.DataFrame
    planes: pl.DataFrame
    geometry: pl.DataFrame
    middle_ns: float


def read_file_summary(connection: duckdb.DuckDBPyConnection, file_id: int, n_events: int) -> FileSummary:
    """Everything about a file that one looks at first, and its first ``n_events`` events."""
    quality = connection.execute("from fct_file_quality where file_id = ?", [file_id]).pl().to_dicts()
    return FileSummary(
        facts=_one(connection, FACTS, [file_id]),
        quality=quality[0] if quality else {},
        counters=connection.execute(
            "select stage, reason, unit, n from int_file_counter where file_id = ? order by stage, unit, reason",
            [file_id],
        ).pl(),
        channels=connection.execute(
            "select plane, strip, side, status, n_raw, n_good, ratio from fct_channel_status"
            " where file_id = ? and status != 'ok' order by all",
            [file_id],
        ).pl(),
        labels=connection.execute(LABELS, [file_id]).pl(),
        events=connection.execute(EVENTS, [file_id, n_events]).pl(),
    )


def read_event(connection: duckdb.DuckDBPyConnection, file_id: int, event_number: int) -> EventView:
    """One event from its raw strip ends to its track.

    Raises
    ------
    LookError
        When the file has no such event, with the nearest ones, or when its raw values are not in the lake any more.
    """
    facts = _one(connection, FACTS, [file_id])
    event = connection.execute(
        "select clean.*, track.* exclude (file_id, event_number, station_id, event_time, raw_tt, clean_tt)"
        " from int_event_clean as clean left join fct_track as track using (file_id, event_number)"
        " where clean.file_id = ? and clean.event_number = ?",
        [file_id, event_number],
    ).pl()
    if event.is_empty():
        raise LookError(_no_event(connection, file_id, event_number))
    connection.execute("set variable todo_path = (select [lake_path] from dim_file where file_id = ?)", [file_id])
    try:
        strips = connection.execute(STRIPS, [file_id, event_number]).pl()
    except duckdb.IOException:
        raise LookError(f"the raw values of file {file_id} are not in the lake; run `mingo extract`") from None
    return EventView(
        file=facts,
        event=event.to_dicts()[0],
        strips=strips,
        planes=connection.execute(PLANES, {"file": file_id, "event": event_number}).pl(),
        geometry=connection.execute(GEOMETRY).pl(),
        middle_ns=_one(connection, MIDDLE, [event["station_id"][0]])["middle_ns"],
    )


def _no_event(connection: duckdb.DuckDBPyConnection, file_id: int, event_number: int) -> str:
    near = connection.execute(
        "select event_number from int_event_clean where file_id = ?"
        " order by abs(event_number - ?), event_number limit 3",
        [file_id, event_number],
    ).fetchall()
    if not near:
        return f"file {file_id} holds no events"
    return f"file {file_id} has no event {event_number}; nearest are {', '.join(str(row[0]) for row in near)}"


def _one(connection: duckdb.DuckDBPyConnection, sql: str, values: list[object]) -> Row:
    row: Row = connection.execute(sql, values).pl().to_dicts()[0]
    return row
