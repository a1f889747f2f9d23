"""Second pass of the calibration of a file, times: the offsets of the time sums and how well they fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from warehouse.fit.failure import FIT_ERRORS
from warehouse.fit.histogram import (
    N_CHANNELS,
    bin_centres,
    by_file,
    channel_of,
    integers,
    number,
    parameters_by_file,
    plane_strip,
)
from warehouse.fit.time_sum import (
    CRT_TRUNCATION,
    GAUGE_CHANNEL,
    Links,
    TimeSums,
    coincidence_resolution,
    fit_time_sums,
)

PS_PER_NS = 1000.0

GUARD_SIGMAS = 3.0
"""So many times more precise than the tolerance of the outlier guard own offsets must be, or it would see noise."""

TIME_SUM_TYPES: dict[str, pa.DataType] = {
    "file_id": pa.int64(),
    "plane": pa.int8(),
    "strip": pa.int8(),
    "t_sum_offset_ns": pa.float64(),
    "t_sum_sigma_ps": pa.float64(),
    "n_strip_links": pa.int64(),
    "t_sum_gauge": pa.string(),
    "n_links": pa.int64(),
    "link_rms_ps": pa.float64(),
    "link_chi2_ndf": pa.float64(),
    "n_components": pa.int64(),
    "last_change_ps": pa.float64(),
    "crt_ps": pa.float64(),
    "crt_corrected_ps": pa.float64(),
    "detail": pa.string(),
}
TIME_SUM_SCHEMA = pa.schema(TIME_SUM_TYPES)

Row = dict[str, Any]


def fit_links(links: pa.RecordBatchReader, parameters: pa.Table) -> pa.Table:
    """Own time sum offsets of every file, in the gauge of that file.

    Parameters
    ----------
    links
        Rows of `int_cal_link` (file_id, plane_a, strip_a, plane_b, strip_b, bin_index, n), ordered by file_id.
    parameters
        Rows of `int_file_parameter`.

    Returns
    -------
    16 rows a file in ``parameters``. Offset and error are NULL without a fit; the offsets alone where the median of
    their formal errors exceeds a third of ``outlier_t_sum_ns``: two thousand events connect strips and yet say little.
    ``t_sum_gauge`` is ``p1s1`` where plane 1 strip 1 is at 0, ``lowest`` where that strip has no link and the lowest
    connected one is.
    The columns from ``n_links`` on belong to the file and are the same in its 16 rows.
    """
    known = parameters_by_file(parameters)
    rows = {file_id: _rows(file_id, {"n_links": 0}, None) for file_id in known}
    for file_id, bins in by_file(links):
        rows[file_id] = _fitted(file_id, bins, known[file_id])
    return pa.Table.from_pylist([row for file in rows.values() for row in file], schema=TIME_SUM_SCHEMA)


def read_links(bins: pa.Table, bin_ns: float) -> Links:
    """The links of one file in dense form, from its rows of `int_cal_link`."""
    a = channel_of(integers(bins, "plane_a"), integers(bins, "strip_a"))
    b = channel_of(integers(bins, "plane_b"), integers(bins, "strip_b"))
    index = integers(bins, "bin_index")
    pairs, link = np.unique(a * N_CHANNELS + b, return_inverse=True)
    first, last = int(index.min()), int(index.max())
    counts = np.zeros((len(pairs), max(last - first + 1, 2)))
    np.add.at(counts, (link, index - first), bins["n"].to_numpy())
    return Links(pairs // N_CHANNELS, pairs % N_CHANNELS, counts, bin_centres(first, counts.shape[1], bin_ns))


def _fitted(file_id: int, bins: pa.Table, p: Mapping[str, float]) -> list[Row]:
    facts: Row = {"n_links": 0}
    try:
        links = read_links(bins, p["link_bin_ns"])
        crt = coincidence_resolution(links)
        facts |= {"crt_ps": _ps(crt), "crt_corrected_ps": _ps(crt / CRT_TRUNCATION)}
        fit = fit_time_sums(
            links,
            first_window=p["link_window_first_ns"],
            window=p["link_window_ns"],
            passes=int(p["link_passes"]),
            min_entries=p["link_min_entries"],
        )
    except FIT_ERRORS as error:
        return _rows(file_id, facts | {"detail": f"time sums: {error}"}, None)
    if fit is not None:
        facts |= {
            "t_sum_gauge": "p1s1" if fit.gauge_channel == GAUGE_CHANNEL else "lowest",
            "n_links": int(fit.n_links.sum()) // 2,
            "link_rms_ps": _ps(fit.rms),
            "link_chi2_ndf": number(fit.chi2_ndf),
            "n_components": fit.n_components,
            "last_change_ps": _ps(fit.last_change),
        }
        if not _is_precise(fit, p["outlier_t_sum_ns"] / GUARD_SIGMAS):
            fit = fit._replace(offset=np.full(N_CHANNELS, np.nan))
    return _rows(file_id, facts, fit)


def _is_precise(fit: TimeSums, limit_ns: float) -> bool:
    """True when the median formal error of the strips that are connected to the gauge is small enough."""
    others = np.delete(fit.sigma, fit.gauge_channel)
    return bool(np.nanmedian(others) <= limit_ns)


def _rows(file_id: int, facts: Row, fit: TimeSums | None) -> list[Row]:
    plane, strip = plane_strip()
    rows = []
    for k in range(N_CHANNELS):
        row: Row = {"file_id": file_id, "plane": int(plane[k]), "strip": int(strip[k]), "n_strip_links": 0} | facts
        if fit is not None:
            row["t_sum_offset_ns"] = number(fit.offset[k])
            row["t_sum_sigma_ps"] = _ps(fit.sigma[k])
            row["n_strip_links"] = int(fit.n_links[k])
        rows.append(row)
    return rows


def _ps(value: float) -> float | None:
    return number(value * PS_PER_NS)
