"""Speed of the text kernel against the general reader of pandas, measured in alternation on the same file."""

import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from extract.daq.container import SEGMENT_BYTES
from extract.daq.name import RawName, parse_name
from extract.daq.parser import parse_bytes, parse_segments
from extract.daq.sample import random_values, write_rows

GENERATED_ROWS = 50_000
_GENERATED_NAME = "mi0125161000000.dat"


@dataclass(frozen=True)
class KernelTiming:
    """Medians over the repeats, seconds, of the same plain text file from disk cache."""

    source: str
    n_rows: int
    n_bytes: int
    repeats: int
    kernel_s: float
    pandas_s: float

    @property
    def ratio(self) -> float:
        """How many times faster the kernel is."""
        return self.pandas_s / self.kernel_s

    @property
    def rows_per_s(self) -> float:
        """Rows read by the kernel in a second."""
        return self.n_rows / self.kernel_s


def bench_kernel(paths: list[Path], repeats: int = 7) -> list[KernelTiming]:
    """Time the kernel on a generated file in the stations' layout and on each of ``paths``."""
    return [kernel_ratio(GENERATED_ROWS, repeats), *(kernel_ratio(path, repeats) for path in paths)]


def kernel_ratio(path_or_rows: Path | int, repeats: int = 7) -> KernelTiming:
    r"""Time the kernel and ``pandas.read_csv(sep=r"\s+", engine="c")`` in alternation.

    Parameters
    ----------
    path_or_rows
        A detector file (``.dat`` or ``.dat.gz``, unpacked before the clock starts), or the number of rows to generate.
    repeats
        Of each, after one run of both that does not count.

    The kernel's time covers reading the file and making the Arrow tables of events, hits and rejects with all checks
    and counters; that of pandas, reading the file into 71 columns.
    """
    with TemporaryDirectory(prefix="mingo-bench-") as folder:
        if isinstance(path_or_rows, int):
            source, name, content = "generated", parse_name(_GENERATED_NAME), _generate(path_or_rows)
        else:
            source, name = path_or_rows.name, parse_name(path_or_rows.name)
            content = path_or_rows.read_bytes()
            content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        file = Path(folder) / f"{name.base_name}.dat"
        file.write_bytes(content)
        return _measure(source, file, name, repeats)


def _generate(n_rows: int) -> bytes:
    start = int(datetime(2025, 6, 10, tzinfo=UTC).timestamp())
    return write_rows(random_values(n_rows, seed=1), start + np.arange(n_rows) // 12)


def _measure(source: str, file: Path, name: RawName, repeats: int) -> KernelTiming:
    import pandas

    n_rows = parse_bytes(file.read_bytes(), name).counters.n_events
    n_comments = int(file.read_bytes().startswith(b"#"))

    def kernel() -> None:
        with file.open("rb") as stream:
            parse_segments(iter(partial(stream.read, SEGMENT_BYTES), b""), name)

    def general() -> None:
        pandas.read_csv(file, sep=r"\s+", engine="c", header=None, skiprows=n_comments)

    seconds: dict[Callable[[], None], list[float]] = {kernel: [], general: []}
    for repeat in range(repeats + 1):
        for reader, times in seconds.items():
            started = time.perf_counter()
            reader()
            if repeat:
                times.append(time.perf_counter() - started)
    return KernelTiming(source, n_rows, file.stat().st_size, repeats, median(seconds[kernel]), median(seconds[general]))
