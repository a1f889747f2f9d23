"""The window of archived files: sizes and times to the next file, limits included."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.name import RawName, parse_name
from extract.transfer.sftp.window import HldWindow, read_windows, unusual_names

MIB = 1 << 20
WINDOW = HldWindow(2.0, 3.0, 5, 40)
START = datetime(2025, 6, 10)


def name(minutes: float) -> RawName:
    return parse_name(f"mi03{START + timedelta(minutes=minutes):%y%j%H%M%S}.hld")


def test_the_seed_is_read() -> None:
    windows = read_windows()
    assert windows[1] == HldWindow(4.0, 8.0, 5, 120)
    assert set(windows) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("minutes", "mib", "unusual"),
    [
        ([0, 5, 45], [2.0, 3.0, 2.5], []),
        ([0, 4, 45], [2.5, 2.5, 2.5], [0, 4]),
        ([0, 30, 60], [1.99, 2.5, 3.01], [0, 60]),
        ([0, 1000], [2.5, 2.5], [0]),
        ([0], [2.5], []),
    ],
)
def test_sizes_and_intervals(minutes: list[float], mib: list[float], unusual: list[float]) -> None:
    files = [(name(m), int(size * MIB)) for m, size in zip(minutes, mib, strict=True)]
    assert unusual_names(files, WINDOW) == {name(m).base_name for m in unusual}


@given(st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 5 * MIB)), unique_by=lambda file: file[0]))
def test_only_listed_files_are_unusual_and_the_order_does_not_matter(found: list[tuple[int, int]]) -> None:
    files = [(name(minute), size) for minute, size in found]
    unusual = unusual_names(files, WINDOW)
    assert unusual <= {raw.base_name for raw, _ in files}
    assert unusual_names(sorted(files, key=lambda file: -file[1]), WINDOW) == unusual
    assert unusual_names(files, None) == set()
