"""Detector files cut out of the independent ones, whole or damaged."""

import gzip
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from extract.daq.schema import N_HEADER_COLUMNS, column_index

Rows = list[list[bytes]]
SILENT = b"0000.0000"
SIDES = ("front", "back")
STRIPS = [(plane, strip) for plane in (1, 2, 3, 4) for strip in (1, 2, 3, 4)]
LEADING_NS = 120.0
TRIGGER_COLUMN = N_HEADER_COLUMNS - 1


def read_rows(path: Path) -> Rows:
    """The data lines of a detector file as tokens."""
    with gzip.open(path) as stream:
        return [line.split() for line in stream if not line.startswith(b"#")]


def write_rows(folder: Path, file_id: int, rows: Rows) -> Path:
    """A detector file of these rows, on the day that its number names."""
    path = folder / f"mi00{file_id:011d}.dat"
    day = (datetime(2024, 12, 31) + timedelta(days=file_id // 10**6 % 1_000)).strftime("%Y %m %d").encode()
    path.write_bytes(b"\n".join(b" ".join([day, *row[3:]]) for row in rows) + b"\n")
    return path


def columns(plane: int, strip: int, sides: Iterable[str] = SIDES, quantities: str = "TQ") -> Iterator[int]:
    """Indices of some values of a strip."""
    return (column_index(plane, strip, side, quantity) for side in sides for quantity in quantities)


def replaced(rows: Rows, changed: Iterable[int], value: bytes) -> Rows:
    """The rows with some columns set to one value wherever they hold one."""
    indices = set(changed)
    return [[value if k in indices and t != SILENT else t for k, t in enumerate(row)] for row in rows]


def shifted(rows: Rows, changed: Iterable[int], shift_ns: float) -> Rows:
    """The rows with a number added in some columns wherever they hold one."""
    indices = set(changed)
    return [
        [b"%09.4f" % (float(t) + shift_ns) if k in indices and t != SILENT else t for k, t in enumerate(row)]
        for row in rows
    ]


def without_front_end(rows: Rows) -> Rows:
    """The front end of plane 1, strip 1 silent."""
    return replaced(rows, columns(1, 1, ["front"]), SILENT)


def without_plane(rows: Rows, plane: int) -> Rows:
    """A whole plane silent."""
    return replaced(rows, (k for strip in (1, 2, 3, 4) for k in columns(plane, strip)), SILENT)


def with_stuck_charge(rows: Rows, plane: int, strip: int) -> Rows:
    """Every charge of a strip the same number: a histogram no curve fits."""
    return replaced(rows, columns(plane, strip, quantities="Q"), b"0095.0000")


def with_dear_charges(rows: Rows, shift_ns: float) -> Rows:
    """All charges larger by a number."""
    return shifted(rows, (k for plane, strip in STRIPS for k in columns(plane, strip, quantities="Q")), shift_ns)


def as_self_triggers(rows: Rows) -> Rows:
    """No coincidence among the rows."""
    return [[*row[:TRIGGER_COLUMN], b"2", *row[TRIGGER_COLUMN + 1 :]] for row in rows]


def with_noise(rows: Rows, n: int, half_range_ns: float, seed: int = 1) -> tuple[Rows, list[tuple[int, int, int]]]:
    """Rows with ``n`` extra strips, and which (row from 0, plane, strip).

    A noise strip is one without any value, of an event whose largest charge is some 30 ns above the pedestals; its time
    is that of the strip with this charge plus a uniform number within ``half_range_ns``, its charge is small.
    """
    rng = np.random.default_rng(seed)
    noisy, places = [list(row) for row in rows], []
    for index in rng.permutation(len(rows)):
        row = noisy[index]
        charge = {s: [float(row[k]) for k in columns(*s, quantities="Q")] for s in STRIPS}
        leader = max(STRIPS, key=lambda s: min(charge[s]))
        silent = [s for s in STRIPS if not any(charge[s])]
        if min(charge[leader]) < LEADING_NS or not silent:
            continue
        time = np.mean([float(row[k]) for k in columns(*leader, quantities="T")]) + rng.uniform(-1, 1) * half_range_ns
        plane, strip = silent[rng.integers(len(silent))]
        for k in columns(plane, strip, quantities="T"):
            row[k] = b"%09.4f" % time
        for k in columns(plane, strip, quantities="Q"):
            row[k] = b"%09.4f" % rng.uniform(97, 99)
        places.append((int(index), plane, strip))
        if len(places) == n:
            break
    return noisy, places
