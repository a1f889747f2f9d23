"""Time walk: a small pulse crosses the threshold later. Offsets and slopes of all strips from one least squares."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from warehouse.fit.failure import FIT_ERRORS
from warehouse.fit.histogram import N_CHANNELS, channel_of, integers, number, parameters_by_file, plane_strip

SLEWING_TYPES: dict[str, pa.DataType] = {
    "file_id": pa.int64(),
    "plane": pa.int8(),
    "strip": pa.int8(),
    "t_sum_offset_ns": pa.float64(),
    "t_slew_ns": pa.float64(),
    "t_slew_ref": pa.float64(),
    "t_slew_low": pa.float64(),
    "t_slew_high": pa.float64(),
    "detail": pa.string(),
}
SLEWING_SCHEMA = pa.schema(SLEWING_TYPES)

Array = NDArray[np.float64]


class LinkSums(NamedTuple):
    """Sums over the entries of m links between the strips ``a`` and ``b`` (channels), all of shape (m,).

    ``d`` is the time difference b minus a less the flight time (ns), ``g`` the logarithm of the charge at either strip.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    n: Array
    d: Array
    g_a: Array
    g_b: Array
    g_aa: Array
    g_bb: Array
    g_ab: Array
    d_a: Array
    d_b: Array


class Slewing(NamedTuple):
    """Offsets (16, ns) at g = ``reference``, slopes (16, ns), both NaN for strips without a link; sigmas for unit s."""

    offset: Array
    slope: Array
    reference: float
    slope_sigma: Array


def fit_slewing(sums: LinkSums, *, min_entries: float) -> Slewing | None:
    """Offsets o and slopes k that minimise the sum over entries of [d - (o_b - o_a) - k_b c_b + k_a c_a]^2.

    c = g - reference, the reference being the mean of g over all entries and both ends. The offset of the lowest strip
    is 0. Links with fewer than ``min_entries`` entries are left out. ``slope_sigma`` times the standard deviation of d
    is the formal error of a slope.

    Returns
    -------
    None when no link has enough entries.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the links do not determine offsets and slopes.
    """
    used = sums.n >= min_entries
    if not used.any():
        return None
    a, b, n, d, g_a, g_b, g_aa, g_bb, g_ab, d_a, d_b = (values[used] for values in sums)
    reference = float((g_a.sum() + g_b.sum()) / (2 * n.sum()))
    c_a, c_b = g_a - reference * n, g_b - reference * n
    c_aa = g_aa - reference * (2 * g_a - reference * n)
    c_bb = g_bb - reference * (2 * g_b - reference * n)
    c_ab = g_ab - reference * (g_a + g_b - reference * n)
    # one entry is the row (1, -1, c_b, -c_a) times (o_b, o_a, k_b, k_a)
    products = np.array([[n, -n, c_b, -c_a], [-n, n, -c_b, c_a], [c_b, -c_b, c_bb, -c_ab], [-c_a, c_a, -c_ab, c_aa]])
    values = np.array([d, -d, d_b - reference * d, reference * d - d_a])
    place = np.array([b, a, N_CHANNELS + b, N_CHANNELS + a])
    normal, right = np.zeros((2 * N_CHANNELS, 2 * N_CHANNELS)), np.zeros(2 * N_CHANNELS)
    np.add.at(normal, (place[:, None, :], place[None, :, :]), products)
    np.add.at(right, place, values)

    members = np.unique(np.concatenate([a, b]))
    free = np.concatenate([members[1:], N_CHANNELS + members])
    system = normal[np.ix_(free, free)]
    if np.linalg.matrix_rank(system) < len(free):
        raise np.linalg.LinAlgError("the charges do not determine offsets and slopes")
    inverse = np.linalg.inv(system)
    solution, variance = np.full(2 * N_CHANNELS, np.nan), np.full(2 * N_CHANNELS, np.nan)
    solution[members[0]] = 0.0
    solution[free] = inverse @ right[free]
    variance[free] = np.diag(inverse)
    return Slewing(solution[:N_CHANNELS], solution[N_CHANNELS:], reference, np.sqrt(variance[N_CHANNELS:]))


def fit_slewings(sums: pa.Table, parameters: pa.Table) -> pa.Table:
    """Own offsets and slopes of every file with ``slewing_enabled``.

    Parameters
    ----------
    sums
        Rows of `int_cal_slewing_sum`.
    parameters
        Rows of `int_file_parameter`.

    Returns
    -------
    16 rows a file with ``slewing_enabled`` and at least one row in ``sums``. Values are NULL for a strip without a link
    and where the fit failed; ``detail`` then says why.
    """
    files = integers(sums, "file_id")
    known = parameters_by_file(parameters)
    rows: list[dict[str, Any]] = []
    for file_id in np.unique(files):
        if known[int(file_id)]["slewing_enabled"] == 1:
            own = sums.filter(pa.array(files == file_id))
            rows += _rows(int(file_id), own, known[int(file_id)]["link_min_entries"])
    return pa.Table.from_pylist(rows, schema=SLEWING_SCHEMA)


def _rows(file_id: int, sums: pa.Table, min_entries: float) -> list[dict[str, Any]]:
    a = channel_of(integers(sums, "plane_a"), integers(sums, "strip_a"))
    b = channel_of(integers(sums, "plane_b"), integers(sums, "strip_b"))
    names = ("n", "sum_d", "sum_a", "sum_b", "sum_aa", "sum_bb", "sum_ab", "sum_da", "sum_db")
    fit, detail = None, None
    try:
        links = LinkSums(a, b, *(sums[name].to_numpy().astype(np.float64) for name in names))
        fit = fit_slewing(links, min_entries=min_entries)
    except FIT_ERRORS as error:
        detail = f"slewing: {error}"
    plane, strip = plane_strip()
    low, high = np.full(N_CHANNELS, np.inf), np.full(N_CHANNELS, -np.inf)
    for channel, end in ((a, "a"), (b, "b")):
        np.minimum.at(low, channel, sums[f"low_{end}"].to_numpy())
        np.maximum.at(high, channel, sums[f"high_{end}"].to_numpy())
    rows = []
    for k in range(N_CHANNELS):
        row: dict[str, Any] = {"file_id": file_id, "plane": int(plane[k]), "strip": int(strip[k]), "detail": detail}
        if fit is not None and np.isfinite(fit.slope[k]):
            row |= {
                "t_sum_offset_ns": number(fit.offset[k]),
                "t_slew_ns": number(fit.slope[k]),
                "t_slew_ref": number(fit.reference),
                "t_slew_low": number(low[k]),
                "t_slew_high": number(high[k]),
            }
        rows.append(row)
    return rows
