"""How fast files were extracted: gaps between files of one run count, pauses between runs do not."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.pace import LONGEST_GAP_S, WINDOW_S, files_per_second, recent_pace

NOW = datetime(2025, 7, 1, 12)
NOW_S = NOW.replace(tzinfo=UTC).timestamp()


@given(st.floats(0.01, LONGEST_GAP_S), st.integers(2, 50), st.floats(0, 1e6))
def test_an_even_pace_is_found(gap_s: float, n_files: int, begin_s: float) -> None:
    pace = files_per_second([begin_s + n * gap_s for n in range(n_files)])
    assert pace == pytest.approx(1 / gap_s, rel=1e-6)


def test_pauses_between_runs_do_not_count() -> None:
    run = [0.0, 2.0, 4.0]
    assert files_per_second([*run, *(5000.0 + s for s in run)]) == files_per_second(run) == 0.5


def test_single_files_have_no_pace() -> None:
    assert files_per_second([]) is files_per_second([1.0]) is files_per_second([0.0, 900.0]) is None


def test_the_lake_of_the_last_two_hours_is_asked(tmp_path: Path) -> None:
    ages_s = [WINDOW_S + 60, WINDOW_S + 50, 100.0, 95.0, 90.0]
    for number, age_s in enumerate(ages_s):
        path = tmp_path / "raw_event" / "station=1" / "date=2025-06-10" / f"mi0{number}-{'a' * 12}-p1.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (NOW_S - age_s, NOW_S - age_s))
    assert recent_pace(tmp_path, NOW) == pytest.approx(0.2)
    assert recent_pace(tmp_path / "none", NOW) is None
