"""Writing the report: the network page, a page for each station, and every figure as a PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.files import write_bytes
from warehouse.report import network_figures, station_figures
from warehouse.report.figure import Figure
from warehouse.report.html import render
from warehouse.report.read import Publication, Serving, Station

Truth = Sequence[Mapping[str, Any]]


def write_report(serving: Path, report: Path, *, truth: Truth | None = None, has_png: bool = True) -> list[Path]:
    """Write all pages from the published file; each replaces its former self at once.

    Parameters
    ----------
    serving
        The published DuckDB file; only published tables are read.
    report
        Folder of the pages; figures go to ``figures/`` below it.
    truth
        For simulated networks: rows to compare on the network page, each with ``station``, ``quantity``, ``recovered``,
        ``sigma`` and ``true``.
    has_png
        Whether to write each figure also as PNG (about half a second each).

    Returns
    -------
    list of Path
        The pages written, the network page first.
    """
    source = Serving(serving)
    try:
        publication = source.publication()
        stations = source.stations()
        hours = {station.station_id: source.hours(station.station_id) for station in stations}
        rows = [_row(source, station) for station in stations]
        pages = [_write_network(report, source, publication, rows, hours, truth, has_png)]
        pages += [
            _write_station(report, source, publication, row, rows, hours[row["station"].station_id], has_png)
            for row in rows
        ]
    finally:
        source.close()
    return pages


def _row(source: Serving, station: Station) -> dict[str, Any]:
    """A station's row of the network table."""
    return {
        "station": station,
        "efficiencies": source.efficiencies(station.station_id),
        "coefficient": applied_coefficient(source.coefficients(station.station_id)),
    }


def applied_coefficient(coefficients: pl.DataFrame) -> dict[str, Any] | None:
    """The row of the newest applied coefficient; None when there is none."""
    applied = coefficients.filter(pl.col("is_applied")).sort("range_start")
    return applied.row(-1, named=True) if applied.height else None


def with_pulls(truth: Truth) -> list[dict[str, Any]]:
    """Truth rows with ``pull`` = (recovered - true) / sigma."""
    return [dict(row) | {"pull": (row["recovered"] - row["true"]) / row["sigma"]} for row in truth]


def _write_network(
    report: Path,
    source: Serving,
    publication: Publication,
    rows: list[dict[str, Any]],
    hours: dict[int, pl.DataFrame],
    truth: Truth | None,
    has_png: bool,
) -> Path:
    stations = {
        row["station"].station_code: (row["station"].station_id, hours[row["station"].station_id]) for row in rows
    }
    figures = [network_figures.rates(stations), network_figures.coverage(stations)] if stations else []
    return _write(
        report,
        "index",
        "network.html",
        figures,
        has_png,
        publication=publication,
        rows=rows,
        truth=with_pulls(truth or []),
        terms=source.source_terms(),
    )


def _write_station(
    report: Path,
    source: Serving,
    publication: Publication,
    row: dict[str, Any],
    rows: list[dict[str, Any]],
    hours: pl.DataFrame,
    has_png: bool,
) -> Path:
    station: Station = row["station"]
    applied = row["coefficient"] or {}
    figures = [
        station_figures.rates(hours),
        station_figures.corrections(hours),
        station_figures.efficiency(hours),
        station_figures.pressure(
            hours,
            applied.get("applied_beta_pct_per_hpa"),
            applied.get("applied_beta_sigma_pct_per_hpa"),
            applied.get("applied_source"),
        ),
        station_figures.coverage(hours),
        station_figures.environment(hours),
    ]
    return _write(
        report,
        station.station_code,
        "station.html",
        figures,
        has_png,
        publication=publication,
        row=row,
        rows=rows,
        coefficients=source.coefficients(station.station_id).to_dicts(),
        lost=source.lost_hours(station.station_id).to_dicts(),
        files=source.files(station.station_id).to_dicts(),
        terms=source.source_terms(),
    )


def _write(
    report: Path,
    name: str,
    template: str,
    figures: list[Figure],
    has_png: bool,
    **values: Any,  # noqa: ANN401 - template values
) -> Path:
    path = report / f"{name}.html"
    shown = [figure.without_empty_charts() for figure in figures]
    write_bytes(path, render(template, name, shown, **values).encode())
    if has_png:
        for figure in (figure for figure in shown if figure.charts):
            write_bytes(report / "figures" / f"{name}_{figure.key}.png", figure.png())
    return path
