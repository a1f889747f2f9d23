"""Looking at a file and at single events, for people who debug detectors."""

from math import degrees
from pathlib import Path
from typing import Any

import polars as pl
import typer

from flows.commands.calibrate import check_ending, looking, number
from flows.commands.options import JSON, load
from flows.console import finish, out, print_table
from flows.outcome import Outcome
from warehouse.look.build_file import find_file
from warehouse.look.event import EventView, FileSummary, read_event, read_file_summary
from warehouse.look.masks import STRIP_END, STRIP_HIT, TRACK, words

Row = dict[str, Any]
PLANES = (1, 2, 3, 4)
C_MM_PER_NS = 299.792458
QUALITY = {
    "efficiency_{}": ("efficiency", ".4f"),
    "efficiency_sigma_{}": ("  ± ", ".4f"),
    "q_sum_mean_ns_{}": ("mean charge (ns)", ".1f"),
    "streamer_pct_{}": ("streamers (%)", ".1f"),
    "single_strip_pct_{}": ("single strips (%)", ".1f"),
    "loo_x_rms_mm_{}": ("leave-one-out x (mm)", ".1f"),
    "loo_y_rms_mm_{}": ("leave-one-out y (mm)", ".1f"),
    "loo_t_rms_ns_{}": ("leave-one-out t (ns)", ".2f"),
    "is_plane_dead_{}": ("dead", ""),
}
TOTALS = {
    "clean_purity_pct": ("clean purity (%)", ".2f"),
    "list_purity_pct": ("list purity (%)", ".2f"),
    "track_purity_pct": ("track purity (%)", ".2f"),
    "line_validity_pct": ("valid lines (%)", ".2f"),
    "n_links": ("links", ""),
    "link_rms_ps": ("link rms (ps)", ".1f"),
    "crt_corrected_ps": ("coincidence resolution (ps)", ".0f"),
    "slowness_c_median": ("median slowness · c", ".3f"),
    "chi2_per_ndf_mean": ("mean chi2/ndf", ".2f"),
    "covered_s": ("covered (s)", ","),
    "n_dead_s": ("dead gaps (s)", ","),
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(inspect)


def inspect(
    file: str = typer.Option(..., help="File id or name."),
    event: int | None = typer.Option(None, help="Draw this event: the number of its line in the file."),
    figure: Path | None = typer.Option(
        None, help="Where the event is drawn: a .png, .svg or .html file.", show_default="beside the report"
    ),
    first: int = typer.Option(10, min=0, help="Events listed of a file."),
    json: bool = JSON,
) -> None:
    """Show what became of a file, or of one event: its strips, plane hits and track, as tables and as a figure.

    Example: mingo inspect --file mi0125062120000, or mingo inspect --file 125062120000 --event 1200 --figure event.svg
    """
    settings = load()
    if figure is not None:
        check_ending(figure)
    with looking(settings, "inspect", json) as connection:
        file_id = find_file(connection, file)
        if event is None:
            summary = read_file_summary(connection, file_id, first)
        else:
            view = read_event(connection, file_id, event)
    if event is None:
        if not json:
            _print_file(summary)
        finish(_file_outcome(summary), json)
    if not json:
        _print_event(view)
    from warehouse.report.event_figure import event_figure

    path = figure or settings.paths.report / "inspect" / f"{view.file['base_name']}_event_{event}.png"
    event_figure(view).save(path)
    finish(_event_outcome(view, path), json)


def _file_outcome(summary: FileSummary) -> Outcome:
    facts, quality = summary.facts, summary.quality
    status = quality.get("status", facts["status"])
    sentence = f"{facts['base_name']}: {facts['n_events'] or 0:,} events, status {status}"
    if quality.get("n_tracks") is not None:
        sentence += f", {quality['n_tracks']:,} tracks"
    frames = {name: getattr(summary, name).to_dicts() for name in ("counters", "channels", "labels", "events")}
    return Outcome("inspect", "Completed", sentence, {"file": facts, "quality": quality, **frames})


def _event_outcome(view: EventView, path: Path) -> Outcome:
    event = view.event
    reasons = words(event["track_reject_mask"], TRACK)
    verdict = (
        "accepted track" if event["is_track"] else f"no accepted track ({', '.join(reasons) or event['event_class']})"
    )
    sentence = f"event {event['event_number']} of {view.file['base_name']}: {verdict}; {path}"
    rejected = [_reasons(row) for row in view.strips.iter_rows(named=True)]
    strips = [row | {"rejected": reason} for row, reason in zip(view.strips.to_dicts(), rejected, strict=True)]
    detail = {"event": event, "strips": strips, "planes": view.planes.to_dicts(), "figure": path}
    return Outcome("inspect", "Completed", sentence, detail)


def _reasons(strip: Row) -> str:
    """Why values of a strip were rejected, by the names of the bits: front, back, calibrated strip."""
    parts = [
        ("front", words(strip["reject_mask_front"], STRIP_END)),
        ("back", words(strip["reject_mask_back"], STRIP_END)),
        ("strip", words(strip["reject_mask"], STRIP_HIT)),
    ]
    return "; ".join(f"{where}: {', '.join(names)}" for where, names in parts if names)


def _print_file(summary: FileSummary) -> None:
    facts, quality = summary.facts, summary.quality
    heights = " ".join(f"{facts[f'z_plane_{plane}_mm']:g}" for plane in PLANES)
    triggers = " ".join(str(facts[f"trigger_{i}"]) for i in PLANES if facts[f"trigger_{i}"] is not None)
    lines = {
        "file": f"{facts['file_id']} ({facts['base_name']}), station {facts['station_id']}, {facts['start_time']} UTC",
        "geometry": f"z {heights} mm ({facts['z_source']}), triggers {triggers or 'unknown'}, lead {_lead(facts)} mm",
        "configuration": f"{number(facts['conf_number'], 'g') or '–'} ({facts['configuration_match']})",
        "lines": f"{facts['n_lines']:,} lines, {facts['n_events']:,} events, {facts['n_rejects']:,} rejected",
        "built": f"{facts['built_at']:%Y-%m-%d %H:%M:%S} UTC by run {facts['run_id']}"
        if facts["built_at"]
        else "not yet; run mingo transform",
    }
    for name, text in lines.items():
        out.print(f"  {name:<14}{text}", highlight=False, markup=False)
    if quality:
        totals = [[label, _shown(quality.get(key), form)] for key, (label, form) in TOTALS.items()]
        print_table(f"Quality: {quality['status']}", ["", "value"], totals)
        planes = [[label, *(_shown(quality.get(k.format(p)), f) for p in PLANES)] for k, (label, f) in QUALITY.items()]
        print_table("Planes", ["", *(f"plane {plane}" for plane in PLANES)], planes)
    counted = [
        [row["stage"], row["reason"], row["unit"], f"{row['n']:,}"] for row in summary.counters.iter_rows(named=True)
    ]
    print_table("Counters", ["stage", "reason", "unit", "n"], [row for row in counted if row[3] != "0"], right_from=3)
    if not summary.channels.is_empty():
        rows = [
            [
                f"P{row['plane']} S{row['strip']} {row['side']}",
                row["status"],
                row["n_raw"],
                row["n_good"],
                number(row["ratio"]),
            ]
            for row in summary.channels.iter_rows(named=True)
        ]
        print_table("Channels that are not ok", ["end", "status", "with a value", "good", "ratio"], rows, right_from=2)
    labels = [[f"{n:,}" if i else n for i, n in enumerate(row)] for row in summary.labels.iter_rows() if any(row[1:])]
    print_table("Events by planes", ["planes", "raw_tt", "clean_tt", "cal_tt", "list_tt", "fit_tt"], labels)
    if not summary.events.is_empty():
        _print_events(summary.events)


def _lead(facts: Row) -> str:
    return " ".join(
        number(facts[name], "g") or "–" for name in ("lead_over_1_mm", "lead_12_mm", "lead_23_mm", "lead_34_mm")
    )


def _shown(value: object, form: str) -> str | None:
    if value is None:
        return None
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:{form}}"


def _print_events(events: pl.DataFrame) -> None:
    rows = [
        [
            row["event_number"],
            f"{row['event_time']:%H:%M:%S}",
            *(
                row[name]
                for name in ("raw_tt", "clean_tt", "cal_tt", "list_tt", "fit_tt", "n_two_ended", "n_one_ended")
            ),
            number(row["theta_deg"], ".1f"),
            number(row["phi_deg"], ".1f"),
            None if row["chi2"] is None else f"{row['chi2']:.1f}/{row['ndf']}",
            row["removed_plane"],
            ", ".join(words(row["track_reject_mask"], TRACK))
            or ("" if row["fit_tt"] is not None else row["event_class"]),
        ]
        for row in events.iter_rows(named=True)
    ]
    columns = ["event", "time", "raw", "clean", "cal", "list", "fit", "two-ended", "one-ended"]
    columns += ["theta (°)", "phi (°)", "chi2/ndf", "left out", "remark"]
    print_table("First events", columns, rows)


def _print_event(view: EventView) -> None:
    event = view.event
    where = f"{view.file['base_name']}, event {event['event_number']}, {event['event_time']} UTC (ns, mm)"
    print_table(where, _STRIP_COLUMNS, [_strip_row(row) for row in view.strips.iter_rows(named=True)])
    planes = view.planes.to_dicts()
    print_table("Plane hits (mm, ns)", _PLANE_COLUMNS, [_plane_row(plane) for plane in planes])
    if any(plane["x_pred_mm"] is not None for plane in planes):
        title = (
            "Residuals, those from the other planes alone, the place these expect, and whether it is inside (mm, ns)"
        )
        print_table(title, _RESIDUAL_COLUMNS, [_residual_row(plane) for plane in planes])
    names = ("raw_tt", "clean_tt", "cal_tt", "list_tt", "fit_tt")
    out.print(
        "  planes   " + ", ".join(f"{name[:-3]} {_shown(event[name], '') or '–'}" for name in names), highlight=False
    )
    for name, text in _track_lines(event).items():
        out.print(f"  {name:<9}{text}", highlight=False, markup=False)


_STRIP_COLUMNS = ["strip", "T front", "T back", "Q front", "Q back", "state"]
_STRIP_COLUMNS += ["x", "t sum", "q sum", "q (fC)", "used as", "rejected for"]
_PLANE_COLUMNS = ["plane", "z", "x", "y", "t", "q (ns)", "q (fC)", "strips", "class", "crosstalk", "one-ended"]
_RESIDUAL_COLUMNS = ["plane", "x", "y", "t", "alone x", "alone y", "alone t", "leverage", "x expected", "y expected"]
_RESIDUAL_COLUMNS += ["inside"]


def _strip_row(strip: Row) -> list[str | None]:
    front, back = strip["reject_mask_front"] or 0, strip["reject_mask_back"] or 0
    use = "accepted" if strip["is_accepted"] else "crosstalk" if strip["is_crosstalk"] else ""
    return [
        f"P{strip['plane']} S{strip['strip']}",
        _value(strip["t_front_ns"], front),
        _value(strip["t_back_ns"], back),
        _value(strip["q_front_ns"], front),
        _value(strip["q_back_ns"], back),
        strip["strip_state"],
        number(strip["x_mm"], ".1f"),
        number(strip["t_sum_ns"], ".3f"),
        number(strip["q_sum_ns"], ".2f"),
        number(strip["q_fc"], ".0f"),
        f"[green]{use}[/]" if use == "accepted" else use,
        f"[red]{_reasons(strip)}[/]",
    ]


def _value(value: float | None, mask: int) -> str | None:
    text = number(value)
    return text if text is None or not mask else f"[red]{text}[/]"


def _plane_row(plane: Row) -> list[str | None]:
    marks = [word for word, flag in (("streamer", "is_streamer"), ("low charge", "is_low_charge")) if plane[flag]]
    return [
        str(plane["plane"]),
        number(plane["z_mm"], "g"),
        *(_with_sigma(plane[name], plane[f"sigma_{name}"], digits) for name, digits in _HITS),
        number(plane["q_sum_ns"], ".1f"),
        number(plane["q_fc"], ".0f"),
        plane["strip_pattern"],
        ", ".join([plane["cluster_class"] or "–", *marks]),
        number(plane["n_crosstalk"], "d"),
        number(plane["n_one_ended"], "d"),
    ]


def _residual_row(plane: Row) -> list[str | None]:
    return [
        str(plane["plane"]),
        *(number(plane[f"{kind}_{axis}"], form) for kind in ("residual", "loo") for axis, form in _AXES),
        number(plane["leverage"]),
        number(plane["x_pred_mm"], ".1f"),
        number(plane["y_pred_mm"], ".1f"),
        {True: "yes", False: "no", None: None}[plane["is_in_fiducial"]],
    ]


def _with_sigma(value: float | None, sigma: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}±{sigma:.{digits}f}"


_HITS = (("x_mm", 1), ("y_mm", 1), ("t_ns", 2))
_AXES = (("x_mm", "+.1f"), ("y_mm", "+.1f"), ("t_ns", "+.2f"))


def _track_lines(event: Row) -> dict[str, str]:
    if event["theta_rad"] is None:
        reasons = ", ".join(words(event["track_reject_mask"], TRACK)) or str(event["event_class"])
        return {"track": f"none ({reasons})"}
    angle = {name: f"{degrees(event[f'{name}_rad']):.2f}°" for name in ("theta", "phi")}
    for name in angle:
        if event[f"sigma_{name}_rad"] is not None:
            angle[name] += f" ± {degrees(event[f'sigma_{name}_rad']):.2f}°"
    reasons = ", ".join(words(event["track_reject_mask"], TRACK))
    left_out = f", plane {event['removed_plane']} left out" if event["removed_plane"] else ""
    return {
        "track": f"theta {angle['theta']}, phi {angle['phi']}, region {event['region_code']}{left_out}",
        "line": f"x = {event['x0_mm']:.1f} {event['x_slope']:+.4f} z (mm),"
        f" y = {event['y0_mm']:.1f} {event['y_slope']:+.4f} z (mm);"
        f" slowness · c = {event['slowness_ns_per_mm'] * C_MM_PER_NS:.3f}"
        f" ± {event['sigma_slowness_ns_per_mm'] * C_MM_PER_NS:.3f}",
        "quality": f"chi2/ndf {event['chi2']:.2f}/{event['ndf']}; "
        + ("accepted" if event["is_track"] else f"rejected for {reasons}"),
    }
