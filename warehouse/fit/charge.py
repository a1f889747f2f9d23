"""Second pass of the calibration of a file, charges: front-back polynomials and crosstalk peaks."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from warehouse.fit.crosstalk import LIMIT_SIGMAS, PEDESTAL_SIGMAS, Peaks, fit_peaks
from warehouse.fit.failure import FIT_ERRORS
from warehouse.fit.front_back import FrontBack, degree_for, fit_front_back
from warehouse.fit.histogram import (
    N_CHANNELS,
    bin_centres,
    by_file,
    channel_of,
    integers,
    parameters_by_file,
    plane_strip,
)

CHARGE_TYPES: dict[str, pa.DataType] = {
    "file_id": pa.int64(),
    "plane": pa.int8(),
    "strip": pa.int8(),
    **{f"q_fb_c{i}": pa.float64() for i in range(5)},
    "q_fb_low_ns": pa.float64(),
    "q_fb_high_ns": pa.float64(),
    "q_fb_degree": pa.int8(),
    "n_front_back": pa.int64(),
    "crosstalk_mu_ns": pa.float64(),
    "crosstalk_sigma_ns": pa.float64(),
    "crosstalk_pedestal_ns": pa.float64(),
    "crosstalk_limit_ns": pa.float64(),
    "crosstalk_fit": pa.string(),
    "n_crosstalk": pa.int64(),
    "detail": pa.string(),
}
CHARGE_SCHEMA = pa.schema(CHARGE_TYPES)

Row = dict[str, Any]
Array = NDArray[np.float64]


def fit_charges(front_back: pa.RecordBatchReader, q_sum: pa.Table, parameters: pa.Table) -> pa.Table:
    """Own front-back polynomials and crosstalk limits of every file.

    Parameters
    ----------
    front_back
        Rows of `int_cal_front_back` (file_id, plane, strip, q_sum_bin, q_dif_bin, n), ordered by file_id.
    q_sum
        Rows of `int_cal_histogram_second` (file_id, plane, strip, bin_index, n).
    parameters
        Rows of `int_file_parameter`.

    Returns
    -------
    16 rows a file in ``parameters``. Without enough entries the values are NULL. ``crosstalk_fit`` is ``accepted``,
    ``no_peak`` (then the limit is the largest one allowed) or ``few_entries``; ``detail`` names a fit that failed.
    """
    known = parameters_by_file(parameters)
    plane, strip = plane_strip()
    rows: dict[int, list[Row]] = {
        file_id: [
            {"file_id": file_id, "plane": int(plane[k]), "strip": int(strip[k]), "n_front_back": 0}
            for k in range(N_CHANNELS)
        ]
        for file_id in known
    }
    for file_id, bins in by_file(front_back):
        for channel, values in _front_backs(bins, known[file_id]):
            rows[file_id][channel].update(values)
    for file_id, channel, values in _crosstalks(q_sum, known):
        row = rows[file_id][channel]
        details = [part["detail"] for part in (row, values) if "detail" in part]
        row |= values | ({"detail": "; ".join(details)} if details else {})
    return pa.Table.from_pylist([row for file in rows.values() for row in file], schema=CHARGE_SCHEMA)


def _front_backs(bins: pa.Table, p: Mapping[str, float]) -> Iterator[tuple[int, Row]]:
    channel = channel_of(integers(bins, "plane"), integers(bins, "strip"))
    q_sum_bin, q_dif_bin = integers(bins, "q_sum_bin"), integers(bins, "q_dif_bin")
    n = bins["n"].to_numpy().astype(np.float64)
    for k in np.unique(channel):
        at = channel == k
        entries = float(n[at].sum())
        values: Row = {"n_front_back": int(entries)}
        degree = degree_for(
            entries, min_1=p["fb_min_entries_1"], min_2=p["fb_min_entries_2"], min_4=p["fb_min_entries_4"]
        )
        if degree is not None:
            try:
                fit = fit_front_back(
                    q_sum_bin[at],
                    q_dif_bin[at],
                    n[at],
                    degree=degree,
                    residual_max_ns=p["fb_residual_max_ns"],
                    support_quantile=p["fb_support_quantile"],
                    high_max_ns=p["fb_high_ns"],
                )
                values |= _columns(fit)
            except FIT_ERRORS as error:
                values["detail"] = f"front-back: {error}"
        yield int(k), values


def _columns(fit: FrontBack) -> Row:
    return {f"q_fb_c{i}": float(c) for i, c in enumerate(fit.coefficients)} | {
        "q_fb_low_ns": fit.low_ns,
        "q_fb_high_ns": fit.high_ns,
        "q_fb_degree": fit.degree,
    }


def _crosstalks(q_sum: pa.Table, known: Mapping[int, Mapping[str, float]]) -> Iterator[tuple[int, int, Row]]:
    """File, channel and values of the crosstalk fit of every strip; the strips of all files are fitted together."""
    for grid in {_grid(p) for p in known.values()}:
        members = sorted(file_id for file_id, p in known.items() if _grid(p) == grid)
        counts, centres = _dense_charges(q_sum, members, *grid)
        yield from _crosstalk_values(members, counts, centres, known)


def _grid(p: Mapping[str, float]) -> tuple[float, float, float]:
    return p["crosstalk_low_ns"], p["crosstalk_high_ns"], p["q_bin_ns"]


def _dense_charges(q_sum: pa.Table, members: list[int], low: float, high: float, width: float) -> tuple[Array, Array]:
    """Counts (files, 16, bins) of some files, and the centres of the bins in ns."""
    first, last = round(low / width), round(high / width)
    files, bins = integers(q_sum, "file_id"), integers(q_sum, "bin_index")
    channel = channel_of(integers(q_sum, "plane"), integers(q_sum, "strip"))
    is_here = np.isin(files, members) & (bins >= first) & (bins < last)
    counts = np.zeros((len(members), N_CHANNELS, last - first))
    position = np.searchsorted(members, files[is_here])
    counts[position, channel[is_here], bins[is_here] - first] = q_sum["n"].to_numpy()[is_here]
    return counts, bin_centres(first, last - first, width)


def _crosstalk_values(
    members: list[int], counts: Array, centres: Array, known: Mapping[int, Mapping[str, float]]
) -> Iterator[tuple[int, int, Row]]:
    total = counts.sum(axis=2)
    needed = np.array([known[file_id]["crosstalk_min_entries"] for file_id in members])
    is_enough = total >= needed[:, None]
    peaks = _peaks_of(counts[is_enough], centres)
    fit_of = np.cumsum(is_enough).reshape(is_enough.shape) - 1
    for i, file_id in enumerate(members):
        limit = known[file_id]["crosstalk_limit_max_ns"]
        for k in range(N_CHANNELS):
            row: Row = {"n_crosstalk": int(total[i, k]), "crosstalk_fit": "few_entries"}
            if is_enough[i, k]:
                row |= _peak_columns(peaks, int(fit_of[i, k]), limit)
            yield file_id, k, row


def _peaks_of(counts: Array, centres: Array) -> Peaks:
    """All peaks at once; where that fails one by one, so that a bad histogram takes nothing from the others."""
    try:
        return fit_peaks(counts, centres)
    except FIT_ERRORS:
        if len(counts) == 1:
            nothing, no = np.full(1, np.nan), np.zeros(1, dtype=np.bool_)
            return Peaks(nothing, nothing, no, no)
        parts = [_peaks_of(row[None, :], centres) for row in counts]
        return Peaks(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _peak_columns(peaks: Peaks, index: int, limit_max_ns: float) -> Row:
    if not peaks.is_accepted[index]:
        row: Row = {"crosstalk_fit": "no_peak", "crosstalk_limit_ns": limit_max_ns}
        return row if peaks.is_converged[index] else row | {"detail": "crosstalk: no convergence"}
    mu, sigma = float(peaks.mu[index]), float(peaks.sigma[index])
    return {
        "crosstalk_fit": "accepted",
        "crosstalk_mu_ns": mu,
        "crosstalk_sigma_ns": sigma,
        "crosstalk_pedestal_ns": mu - PEDESTAL_SIGMAS * sigma,
        "crosstalk_limit_ns": min(mu + LIMIT_SIGMAS * sigma, limit_max_ns),
    }
