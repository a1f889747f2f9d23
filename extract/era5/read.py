"""An ERA5 answer, in any of its layouts, as rows of `era5_single` and `era5_level`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xarray as xr

from extract.environment_file import Outcome, Reject, rejected
from extract.era5.box import FINAL, PRELIMINARY, BoxMean, Grid, LayoutError, box_mean, read_grid
from extract.era5.container import ContainerError, open_members
from extract.era5.schema import ERA5_LEVEL, ERA5_SINGLE
from extract.transfer.stations import is_near
from warehouse.dataset import Dataset

STANDARD_GRAVITY_M_S2 = 9.80665
FINAL_AGE = timedelta(days=100)
HEIGHT_CHECK_LEVEL_HPA = 100.0


@dataclass(frozen=True)
class Variable:
    """A variable of an answer: column, accepted units, divisor to the column's unit, range in the column's unit."""

    column: str
    units: tuple[str, ...]
    divisor: float
    low: float
    high: float


VARIABLES = {
    "t2m": Variable("temp_ground_k", ("K",), 1.0, 180.0, 340.0),
    "sp": Variable("era5_surface_pressure_hpa", ("Pa",), 100.0, 400.0, 1100.0),
    "t": Variable("temp_k", ("K",), 1.0, 150.0, 340.0),
    "z": Variable("height_m", ("m**2 s**-2", "m2 s-2", "m^2 s^-2", "m^2/s^2"), STANDARD_GRAVITY_M_S2, 13000.0, 18500.0),
}

Key = tuple[datetime, float | None]


@dataclass
class Cell:
    """One value of one hour (and level) with what is known about it."""

    value: float
    expver: int | None
    n_valid: int
    grid: Grid


@dataclass
class Answer:
    """Cells by (hour, level or None) and column, with everything that was not used."""

    cells: dict[Key, dict[str, Cell]] = field(default_factory=dict)
    missing: dict[tuple[str, Key], None] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    warnings: set[str] = field(default_factory=set)
    n_variables: int = 0


def read_era5(
    path: Path,
    position: tuple[float, float] | None,
    *,
    product: str,
    fetched_at: datetime,
    requested_levels_hpa: Sequence[float] = (),
) -> Outcome:
    """Rows, rejects and verdict of an answer; never raises for what the bytes are.

    Parameters
    ----------
    position
        Latitude and longitude of the station, degrees; None leaves the test of the area out.
    product
        `single`, `pl100` or `profile`.
    fetched_at
        When the answer was fetched, naive UTC; decides about finality where the answer does not say.
    requested_levels_hpa
        Levels of the request, for answers that hold a single level and do not name it.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    answer = Answer()
    errors: list[ContainerError] = []
    for member, dataset in open_members(path.read_bytes()):
        if isinstance(dataset, ContainerError):
            errors.append(dataset)
            answer.rejects.append(Reject(dataset.reason, dataset.detail, member or None))
            continue
        try:
            if problem := _read_dataset(dataset, answer, position, requested_levels_hpa):
                return problem
        except LayoutError as error:
            errors.append(ContainerError("not_readable", str(error)))
            answer.rejects.append(Reject("not_readable", str(error), member or None))
    if answer.n_variables == 0:
        if errors:
            return rejected(errors[0].reason, errors[0].detail)
        return rejected("no_known_variable", f"none of {', '.join(VARIABLES)}")
    return _outcome(answer, product, fetched_at)


def _read_dataset(
    dataset: xr.Dataset, answer: Answer, position: tuple[float, float] | None, requested_levels_hpa: Sequence[float]
) -> Outcome | None:
    """Add one dataset to the answer; the outcome of the whole file where its area is another one."""
    names = [name for name in VARIABLES if name in dataset.data_vars]
    if {"t2m", "sp"} & set(names) and not _has_level(dataset) and "t" not in names:
        names = [name for name in names if name != "z"]  # of the ground: the orography, not a pressure level
    if not names:
        return None
    grid = read_grid(dataset)
    if position is not None and not is_near(grid.lat_mean_deg, grid.lon_mean_deg, position):
        return rejected(
            "wrong_area",
            f"centre {grid.lat_mean_deg:.4f}, {grid.lon_mean_deg:.4f}; station {position[0]:.4f}, {position[1]:.4f}",
        )
    for name in names:
        answer.n_variables += 1
        unit = str(dataset[name].attrs.get("units", ""))
        if unit.strip() not in VARIABLES[name].units:
            answer.rejects.append(Reject("unexpected_unit", f"unit {unit!r}", name))
            continue
        try:
            _add(box_mean(dataset, name, grid, requested_levels_hpa), answer)
        except LayoutError as error:
            answer.rejects.append(Reject("unexpected_layout", str(error), name))
    return None


def _has_level(dataset: xr.Dataset) -> bool:
    return any(name in dataset.variables for name in ("pressure_level", "level", "isobaricInhPa"))


def _add(box: BoxMean, answer: Answer) -> None:
    """Put the values of a variable into the answer; the better of two versions of one value stays."""
    variable = VARIABLES[box.name]
    for i, j, key in _keys(box, answer):
        if box.n_valid[i, j] == 0:
            answer.missing[box.name, key] = None
            continue
        value = float(box.mean[i, j]) / variable.divisor
        is_checked = box.name != "z" or key[1] == HEIGHT_CHECK_LEVEL_HPA
        if is_checked and not variable.low <= value <= variable.high:
            text = f"{variable.column} {value:.6g}, not within {variable.low:g} to {variable.high:g}"
            answer.rejects.append(Reject("out_of_range", text, _text(box.name, key)))
            continue
        expver = int(box.expver[i, j])
        cell = Cell(value, None if expver < 0 else expver, int(box.n_valid[i, j]), box.grid)
        row = answer.cells.setdefault(key, {})
        known = row.get(variable.column)
        if known is None or _rank(cell.expver) < _rank(known.expver):
            row[variable.column] = cell
        if cell.expver not in (None, FINAL, PRELIMINARY):
            answer.warnings.add(f"expver {cell.expver} is unknown, taken as preliminary")


def _keys(box: BoxMean, answer: Answer) -> Iterator[tuple[int, int, Key]]:
    levels: list[float | None] = [None] if box.levels_hpa is None else [float(level) for level in box.levels_hpa]
    for i, moment in enumerate(box.times):
        if np.isnat(moment):
            answer.rejects.append(Reject("bad_time", f"time number {i} is missing", box.name))
            continue
        valid_time = moment.item()
        for j, level in enumerate(levels):
            yield i, j, (valid_time, level)


def _rank(expver: int | None) -> int:
    return {FINAL: 0, None: 1, PRELIMINARY: 2}.get(expver, 3)


def _text(name: str, key: Key) -> str:
    hour, level = key
    return f"{name} {hour.isoformat()}Z" + ("" if level is None else f" {level:g} hPa")


def _outcome(answer: Answer, product: str, fetched_at: datetime) -> Outcome:
    for name, key in answer.missing:
        if VARIABLES[name].column not in answer.cells.get(key, {}):
            answer.rejects.append(Reject("all_missing", "no finite grid point", _text(name, key)))
    outcome = Outcome(rejects=answer.rejects, detail="; ".join(sorted(answer.warnings)) or None)
    for dataset, is_at_level in ((ERA5_SINGLE, False), (ERA5_LEVEL, True)):
        keys = sorted((key for key in answer.cells if (key[1] is not None) == is_at_level), key=_order)
        if keys:
            outcome.tables.append((dataset, _table(dataset, keys, answer, product, fetched_at)))
    days = sorted({key[0].date() for key in answer.cells})
    outcome.date_from, outcome.date_to = _ends(days)
    outcome.counts.n_ok = len(answer.cells)
    outcome.counts.n_rejects = len(answer.rejects)
    return outcome


def _order(key: Key) -> tuple[datetime, float]:
    return key[0], key[1] or 0.0


def _ends(days: Sequence[date]) -> tuple[date | None, date | None]:
    return (days[0], days[-1]) if days else (None, None)


def _table(dataset: Dataset, keys: Sequence[Key], answer: Answer, product: str, fetched_at: datetime) -> pa.Table:
    rows = [_row(key, answer.cells[key], product, fetched_at) for key in keys]
    values = {variable.column for variable in VARIABLES.values()}
    columns = [column for column in dataset.columns if column.name in values or column.name in rows[0]]
    return pa.table({c.name: pa.array([row.get(c.name) for row in rows], c.type) for c in columns})


def _row(key: Key, cells: dict[str, Cell], product: str, fetched_at: datetime) -> dict[str, Any]:
    """One row: final only where each of its values is, with the fewest valid points of its values."""
    versions = {cell.expver for cell in cells.values()}
    marked = [version for version in versions if version not in (None, FINAL)]
    expver = max((v for v in marked if v is not None), default=None if None in versions else FINAL)
    is_old = fetched_at - key[0] > FINAL_AGE
    first = next(iter(cells.values()))
    return {
        "valid_time": key[0],
        "pressure_level_hpa": key[1],
        **{column: cell.value for column, cell in cells.items()},
        "expver": expver,
        "is_final": is_old if expver is None else expver == FINAL,
        "finality_basis": "age" if expver is None else "expver",
        "n_points": first.grid.n_points,
        "n_points_valid": min(cell.n_valid for cell in cells.values()),
        "lat_min_deg": first.grid.lat_min_deg,
        "lat_max_deg": first.grid.lat_max_deg,
        "lon_min_deg": first.grid.lon_min_deg,
        "lon_max_deg": first.grid.lon_max_deg,
        "product": product,
    }
