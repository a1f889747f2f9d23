"""First pass of the calibration of a file: charge pedestals and time difference offsets."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from warehouse.fit.failure import FIT_ERRORS
from warehouse.fit.histogram import N_CHANNELS, by_file, dense, kind_of, parameters_by_file, plane_strip
from warehouse.fit.pedestal import ALIGN, fit_pedestals
from warehouse.fit.time_difference import fit_box

CHANNEL_TYPES: dict[str, pa.DataType] = {
    "file_id": pa.int64(),
    "plane": pa.int8(),
    "strip": pa.int8(),
    "side": pa.string(),
    "constant": pa.string(),
    "value_ns": pa.float64(),
    "width_ns": pa.float64(),
    "n_entries": pa.int64(),
    "detail": pa.string(),
}
CHANNEL_SCHEMA = pa.schema(CHANNEL_TYPES)


def fit_channels(histograms: pa.RecordBatchReader, parameters: pa.Table) -> pa.Table:
    """Own pedestals and time difference offsets of every file.

    Parameters
    ----------
    histograms
        Rows of `int_cal_histogram_first` (file_id, kind, plane, strip, bin_index, n), ordered by file_id.
    parameters
        Rows of `int_file_parameter`.

    Returns
    -------
    48 rows a file: per strip the sides ``front`` and ``back`` (constants ``q_pedestal_front``, ``q_pedestal_back``)
    and ``both`` (``t_dif_offset``). ``value_ns`` is NULL without a fit; ``width_ns`` is the width of the box of time
    differences; ``detail`` says what went wrong where there were entries enough.
    """
    known = parameters_by_file(parameters)
    tables = [
        _table(file_id, side, constant, fit)
        for file_id, rows in by_file(histograms)
        for side, constant, fit in _fits(rows, known[file_id])
    ]
    return pa.concat_tables([CHANNEL_SCHEMA.empty_table(), *tables])


class _Fit(NamedTuple):
    """Values, widths (ns) and entries of the 16 strips; what is wrong with each, None where nothing is."""

    values: NDArray[np.float64]
    widths: NDArray[np.float64]
    entries: NDArray[np.float64]
    details: list[str | None]


def _fits(rows: pa.Table, p: Mapping[str, float]) -> Iterator[tuple[str, str, _Fit]]:
    """Side, constant and fit of the 16 strips, for the three sides."""
    for side in ("front", "back"):
        yield side, f"q_pedestal_{side}", _pedestals(kind_of(rows, f"q_{side}"), p)
    yield "both", "t_dif_offset", _boxes(kind_of(rows, "t_dif"), p)


def _pedestals(rows: pa.Table, p: Mapping[str, float]) -> _Fit:
    spectra = dense(rows, align=ALIGN)
    entries = spectra.counts.sum(axis=1)
    values, failure = np.full(N_CHANNELS, np.nan), "no edge"
    try:
        values = fit_pedestals(
            spectra,
            bin_ns=p["q_bin_ns"],
            edge_rel=p["q_edge_rel"],
            edge_abs=p["q_edge_abs"],
            edge_run=int(p["q_edge_run"]),
            edge_bin_min=p["q_edge_bin_min"],
            min_entries=p["q_min_entries"],
            threshold_width_ns=p["q_threshold_width_ns"],
        )
    except FIT_ERRORS as error:
        failure = str(error)
    is_missing = np.isnan(values) & (entries >= p["q_min_entries"])
    details = [f"charge pedestal: {failure}" if missing else None for missing in is_missing]
    return _Fit(values, np.full(N_CHANNELS, np.nan), entries, details)


def _boxes(rows: pa.Table, p: Mapping[str, float]) -> _Fit:
    boxes = dense(rows, pad=1)
    fit = _Fit(np.full(N_CHANNELS, np.nan), np.full(N_CHANNELS, np.nan), boxes.counts.sum(axis=1), [None] * N_CHANNELS)
    for k, counts in enumerate(boxes.counts):
        if fit.entries[k] < p["t_dif_min_entries"]:
            continue
        try:
            box = fit_box(
                counts,
                boxes.centres(p["t_dif_bin_ns"]),
                raw_max_ns=p["t_dif_raw_max_ns"],
                window_ns=p["t_dif_window_ns"],
                core_ns=p["t_dif_core_ns"],
                level=p["t_dif_level"],
                min_entries=p["t_dif_min_entries"],
            )
        except FIT_ERRORS as error:
            fit.details[k] = f"time difference: {error}"
            continue
        if box is None:
            fit.details[k] = "time difference: no box with enough entries"
        else:
            fit.values[k], fit.widths[k] = box
    return fit


def _table(file_id: int, side: str, constant: str, fit: _Fit) -> pa.Table:
    plane, strip = plane_strip()
    columns = [
        pa.array(np.full(N_CHANNELS, file_id)),
        pa.array(plane),
        pa.array(strip),
        pa.array([side] * N_CHANNELS),
        pa.array([constant] * N_CHANNELS),
        pa.array(fit.values, from_pandas=True),
        pa.array(fit.widths, from_pandas=True),
        pa.array(fit.entries.astype(np.int64)),
        pa.array(fit.details, pa.string()),
    ]
    return pa.table(columns, schema=CHANNEL_SCHEMA)
