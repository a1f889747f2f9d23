"""ERA5 answers in every layout the service has used, built from one set of true values.

The box is 3 x 3 points around a station; offsets of -0.4 to +0.4 in steps of 0.1 lie on it, so that the mean is the
true value. ``HOURS`` are four hours; the surface temperature is 283.15 K in the first and rises by 0.5 K an hour.
"""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np

POSITION = (40.4168, -3.7038)
HOURS = [datetime(2025, 1, 31, 22 + i) if i < 2 else datetime(2025, 2, 1, i - 2) for i in range(4)]
LATITUDES = POSITION[0] + np.array([0.25, 0.0, -0.25])
LONGITUDES = POSITION[1] + np.array([-0.25, 0.0, 0.25])
OFFSETS = np.round(np.arange(-0.4, 0.45, 0.1), 1).reshape(3, 3)
LEVELS = [100, 500]
T2M = 283.15 + 0.5 * np.arange(4)
SP = 94000.0 + 10.0 * np.arange(4)
T = np.stack([210.0 + 0.5 * np.arange(4), 255.0 + 0.5 * np.arange(4)], axis=1)
Z = np.stack([159000.0 + np.arange(4), 55000.0 + np.arange(4)], axis=1)

SURFACE = {"t2m": (T2M, "K"), "sp": (SP, "Pa")}
AT_LEVELS = {"t": (T, "K"), "z": (Z, "m**2 s**-2")}
Truth = dict[str, tuple[np.ndarray, str]]


def on_grid(values: np.ndarray) -> np.ndarray:
    return values[..., None, None] + OFFSETS


def new_layout(
    path: Path,
    truth: Truth,
    *,
    longitudes: np.ndarray = LONGITUDES,
    expver: str = "0001",
    hours: Sequence[datetime] = HOURS,
) -> Path:
    """netCDF-4 of the present service; ``truth`` has a value for each hour."""
    with netCDF4.Dataset(path, "w", format="NETCDF4") as out:
        _grid(out, longitudes)
        out.createDimension("valid_time", len(hours))
        time = out.createVariable("valid_time", "i8", ("valid_time",))
        time.units, time.calendar = "seconds since 1970-01-01", "proleptic_gregorian"
        time[:] = [int((hour - datetime(1970, 1, 1)).total_seconds()) for hour in hours]
        text = out.createVariable("expver", str, ("valid_time",))
        text[:] = np.array([expver] * len(hours), dtype=object)
        out.createVariable("number", "i8", ())[...] = 0
        levels = _levels(out, truth, "pressure_level", "hPa")
        for name, (values, unit) in truth.items():
            variable = out.createVariable(
                name, "f4", ("valid_time", *levels, "latitude", "longitude"), fill_value=np.float32(np.nan)
            )
            variable.units = unit
            variable[:] = on_grid(values)
    return path


def classic(path: Path, truth: Truth, *, with_expver: bool = False, level_unit: str = "millibars") -> Path:
    """Classic netCDF of the former service: packed, hours since 1900; hours 0-1 final and 2-3 not with ``expver``."""
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as out:
        _grid(out, LONGITUDES % 360.0)
        out.createDimension("time", len(HOURS))
        time = out.createVariable("time", "i4", ("time",))
        time.units, time.calendar = "hours since 1900-01-01 00:00:00.0", "gregorian"
        time[:] = [int((hour - datetime(1900, 1, 1)).total_seconds() // 3600) for hour in HOURS]
        levels = _levels(out, truth, "level", level_unit)
        if with_expver:
            out.createDimension("expver", 2)
            out.createVariable("expver", "i4", ("expver",))[:] = [1, 5]
        for name, (values, unit) in truth.items():
            grid = on_grid(values)
            dims = ("time", *(("expver",) if with_expver else ()), *levels, "latitude", "longitude")
            variable = out.createVariable(name, "i2", dims, fill_value=np.int16(-32767))
            scale = (grid.max() - grid.min()) / 65532
            variable.set_auto_maskandscale(False)
            variable.units, variable.scale_factor, variable.add_offset = unit, scale, (grid.max() + grid.min()) / 2
            packed = np.round((grid - variable.add_offset) / scale).astype(np.int16)
            if with_expver:
                both = np.full((len(HOURS), 2, *packed.shape[1:]), -32767, dtype=np.int16)
                both[:2, 0], both[2:, 1] = packed[:2], packed[2:]
                packed = both
            variable[:] = packed
    return path


def old_with_expver(path: Path, truth: Truth) -> Path:
    return classic(path, truth, with_expver=True)


def longitudes_to_360(path: Path, truth: Truth) -> Path:
    return new_layout(path, truth, longitudes=LONGITUDES % 360.0)


def zip_of_two(path: Path, truth: Truth) -> Path:
    """Each variable in its own member, one new and one classic."""
    (first, second) = truth
    members = [
        ("a.nc", new_layout(path.with_suffix(".a"), {first: truth[first]})),
        ("b.nc", classic(path.with_suffix(".b"), {second: truth[second]})),
    ]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members:
            archive.write(member, name)
            member.unlink()
    path.write_bytes(content.getvalue())
    return path


def scalar_time(path: Path) -> Path:
    """One hour without a time dimension, level in Pa and scalar too."""
    with netCDF4.Dataset(path, "w", format="NETCDF4") as out:
        _grid(out, LONGITUDES)
        time = out.createVariable("time", "i8", ())
        time.units = "seconds since 1970-01-01"
        time[...] = int((HOURS[0] - datetime(1970, 1, 1)).total_seconds())
        level = out.createVariable("isobaricInhPa", "f8", ())
        level.units = "Pa"
        level[...] = 10000.0
        out.createVariable("expver", "i4", ())[...] = 5
        variable = out.createVariable("t", "f8", ("latitude", "longitude"))
        variable.units = "K"
        variable[:] = on_grid(T[0, 0])
    return path


LAYOUTS: dict[str, Callable[[Path, Truth], Path]] = {
    "new": new_layout,
    "classic": classic,
    "classic with expver": old_with_expver,
    "longitudes 0-360": longitudes_to_360,
    "zip of two": zip_of_two,
}


def _grid(out: netCDF4.Dataset, longitudes: np.ndarray) -> None:
    for name, values, unit in (("latitude", LATITUDES, "north"), ("longitude", longitudes, "east")):
        out.createDimension(name, len(values))
        axis = out.createVariable(name, "f8", (name,))
        axis.units = f"degrees_{unit}"
        axis[:] = values


def _levels(out: netCDF4.Dataset, truth: Truth, name: str, unit: str) -> tuple[str, ...]:
    if next(iter(truth.values()))[0].ndim == 1:
        return ()
    out.createDimension(name, len(LEVELS))
    axis = out.createVariable(name, "f8", (name,))
    axis.units = unit
    axis[:] = np.array(LEVELS) * (100.0 if unit == "Pa" else 1.0)
    return (name,)
