"""From a gridded variable to its mean over the box of a station, hour by hour and level by level."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
import xarray as xr

FINAL = 1
PRELIMINARY = 5

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LATITUDE = ("latitude", "lat")
_LONGITUDE = ("longitude", "lon")
_TIME = ("valid_time", "time")
_LEVEL = ("pressure_level", "level", "isobaricInhPa")


class LayoutError(Exception):
    """A dataset or variable whose axes are not those of an ERA5 answer."""


@dataclass(frozen=True)
class Grid:
    """Extent and centre (mean of the coordinates) of a grid; degrees north and east, longitudes within +-180."""

    lat_min_deg: float
    lat_max_deg: float
    lon_min_deg: float
    lon_max_deg: float
    lat_mean_deg: float
    lon_mean_deg: float
    n_points: int


@dataclass(frozen=True)
class BoxMean:
    """A variable as box means.

    ``times`` has shape (n,), ``levels_hpa`` (m,) or is None at the surface (then m = 1). Shape (n, m) have ``mean``
    (NaN where no point is finite), ``n_valid`` and ``expver`` (-1 where the file does not say).
    """

    name: str
    times: npt.NDArray[np.datetime64]
    levels_hpa: Floats | None
    mean: Floats
    n_valid: Integers
    expver: Integers
    grid: Grid


def read_grid(dataset: xr.Dataset) -> Grid:
    """The horizontal grid of a dataset.

    Raises
    ------
    LayoutError
        Without finite one-dimensional coordinates.
    """
    latitude, longitude = _axis(dataset, _LATITUDE), _axis(dataset, _LONGITUDE)
    if latitude is None or longitude is None:
        raise LayoutError("no latitude or longitude")
    north, east = (np.atleast_1d(axis.values).astype(np.float64) for axis in (latitude, longitude))
    if not (north.size and east.size and np.isfinite(north).all() and np.isfinite(east).all()):
        raise LayoutError("latitude or longitude is empty or not finite")
    offset = (east - east[0] + 180.0) % 360.0 - 180.0  # keeps a grid across 0 or 180 degrees together
    centre = _within_180(float(east[0] + offset.mean()))
    return Grid(
        lat_min_deg=float(north.min()),
        lat_max_deg=float(north.max()),
        lon_min_deg=centre + float(offset.min() - offset.mean()),
        lon_max_deg=centre + float(offset.max() - offset.mean()),
        lat_mean_deg=float(north.mean()),
        lon_mean_deg=centre,
        n_points=north.size * east.size,
    )


def box_mean(dataset: xr.Dataset, name: str, grid: Grid, requested_levels_hpa: Sequence[float] = ()) -> BoxMean:
    """Mean of a variable with equal weights over all finite grid points.

    Where ``expver`` is a dimension, final values are taken wherever any of their grid points is present, else the
    preliminary ones, before the mean.

    Raises
    ------
    LayoutError
        Without a time axis, or with an axis of unknown meaning longer than 1.
    """
    variable = dataset[name]
    time = _axis(dataset, _TIME)
    if time is None or not np.issubdtype(time.dtype, np.datetime64):
        raise LayoutError("no readable time")
    level = _axis(dataset, _LEVEL)
    axes = [_dimension(variable, axis) for axis in (time, level, _axis(dataset, _LATITUDE), _axis(dataset, _LONGITUDE))]
    axes.insert(0, "expver" if "expver" in variable.dims else None)
    values = _five_axes(variable, axes)
    levels = _levels_hpa(level, name, requested_levels_hpa)
    is_finite = np.isfinite(values)
    n_valid = is_finite.sum(axis=(3, 4))
    total = np.where(is_finite, values, 0.0).sum(axis=(3, 4))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n_valid > 0, total / n_valid, np.nan)
    times = np.atleast_1d(time.values).astype("datetime64[us]")
    expver = _expver(dataset, variable, times.size, mean.shape)
    chosen = _choose(expver, n_valid)
    return BoxMean(
        name=name,
        times=times,
        levels_hpa=levels,
        mean=np.take_along_axis(mean, chosen, axis=0)[0],
        n_valid=np.take_along_axis(n_valid, chosen, axis=0)[0],
        expver=np.take_along_axis(expver, chosen, axis=0)[0],
        grid=grid,
    )


def _axis(dataset: xr.Dataset, names: Sequence[str]) -> xr.DataArray | None:
    found = next((name for name in names if name in dataset.variables), None)
    if found is None:
        return None
    axis = dataset[found]
    if axis.ndim > 1:
        raise LayoutError(f"{found} has {axis.ndim} dimensions")
    return axis


def _dimension(variable: xr.DataArray, axis: xr.DataArray | None) -> str | None:
    if axis is None or axis.ndim == 0 or axis.dims[0] not in variable.dims:
        return None
    return str(axis.dims[0])


def _five_axes(variable: xr.DataArray, axes: Sequence[str | None]) -> Floats:
    """Values with the axes expver, time, level, latitude, longitude; an absent one has length 1."""
    known = [axis for axis in axes if axis is not None]
    for other in variable.dims:
        if other in known:
            continue
        if variable.sizes[other] != 1:
            raise LayoutError(f"{variable.name} has the unknown dimension {other}")
        variable = variable.isel({other: 0})
    values = np.asarray(variable.transpose(*known).values, dtype=np.float64)
    shape = iter(values.shape)
    return values.reshape([1 if axis is None else next(shape) for axis in axes])


def _levels_hpa(level: xr.DataArray | None, name: str, requested_hpa: Sequence[float]) -> Floats | None:
    if name in ("t2m", "sp"):
        return None
    if level is None:
        if len(requested_hpa) != 1:
            raise LayoutError(f"{name} has no pressure level")
        return np.array(requested_hpa, dtype=np.float64)
    values = np.atleast_1d(level.values).astype(np.float64)
    return values / 100.0 if str(level.attrs.get("units", "")).strip() == "Pa" else values


def _expver(dataset: xr.Dataset, variable: xr.DataArray, n_times: int, shape: tuple[int, ...]) -> Integers:
    """Experiment version of every (expver axis, time, level), -1 where the file does not say."""
    if "expver" not in dataset.variables:
        return np.full(shape, -1, dtype=np.int64)
    words = np.array([_to_integer(word) for word in np.atleast_1d(dataset["expver"].values)], dtype=np.int64)
    if "expver" in variable.dims:
        return np.broadcast_to(words[:, None, None], shape)
    if words.size == 1 or (dataset["expver"].ndim == 1 and words.size == n_times):
        return np.broadcast_to(words[None, :, None], shape)
    raise LayoutError("expver fits no axis")


def _to_integer(word: str | bytes | float) -> int:
    """An experiment version from text, bytes or a number; -1 where it is none."""
    try:
        return int(word)
    except (ValueError, TypeError, OverflowError):
        return -1


def _choose(expver: Integers, n_valid: Integers) -> Integers:
    """Index along the expver axis for every (time, level), shape (1, n, m): final, preliminary, other, if present."""
    rank = np.select([expver == FINAL, expver == PRELIMINARY], [0, 1], 2) + np.where(n_valid > 0, 0, 10)
    chosen: Integers = np.argmin(rank, axis=0)[None]
    return chosen


def _within_180(longitude_deg: float) -> float:
    return longitude_deg - 360.0 * ceil((longitude_deg - 180.0) / 360.0)
