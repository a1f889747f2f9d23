"""The benchmark measures what it says; how fast it is, is not a test."""

import gzip
from pathlib import Path

import pytest

from extract.daq.bench import KernelTiming, bench_kernel, kernel_ratio
from tests.unit.daq.rows import GOLDEN_NAME, at, lines


def test_generated_and_given_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extract.daq.bench.GENERATED_ROWS", 300)
    path = tmp_path / f"{GOLDEN_NAME}.gz"
    path.write_bytes(gzip.compress(b"# comment\n" + lines([at(28)] * 50)))
    timings = bench_kernel([path], repeats=2)
    assert [(t.source, t.n_rows, t.n_bytes) for t in timings] == [
        ("generated", 300, 300 * 687),
        (path.name, 50, 10 + 50 * 687),
    ]
    assert all(t.kernel_s > 0 and t.pandas_s > 0 for t in timings)
    assert timings[0].ratio == timings[0].pandas_s / timings[0].kernel_s


def test_ratio_and_rate() -> None:
    timing = KernelTiming("x", 100, 68_700, 3, kernel_s=0.5, pandas_s=2.0)
    assert (timing.ratio, timing.rows_per_s) == (4.0, 200.0)


def test_one_file(tmp_path: Path) -> None:
    assert kernel_ratio(100, repeats=1).n_rows == 100
