"""The commands that look at a detector refuse a mistake before they read anything, in one line."""

from pathlib import Path

import pytest

from tests.unit.test_cli import mingo

DAYS = ("--from", "2025-03-02", "--to", "2025-03-03")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["calibrate", "show"], 2, "--file ID, or --station CODE --date YYYY-MM-DD"),
        (["calibrate", "show", "--file", "125062000000"], 1, "run `mingo transform` first"),
        (["calibrate", "compare", "125062000000"], 1, "run `mingo transform` first"),
        (["calibrate", "drift", "--station", "MINGO99", *DAYS], 2, "unknown station 'MINGO99'; known are"),
        (["calibrate", "drift", "--station", "1", *DAYS, "--constant", "t0"], 2, "known are q_pedestal_front_ns"),
        (["calibrate", "drift", "--station", "1", *DAYS, "--figure", "x.gif"], 2, "ends with .png, .svg, .html"),
        (["inspect", "--file", "125062000000"], 1, "run `mingo transform` first"),
        (["inspect", "--file", "1", "--event", "1", "--figure", "x"], 2, "ends with .png, .svg, .html"),
        (["transform", *DAYS], 2, "belong to --recalibrate"),
        (["transform", "--recalibrate"], 2, "--from YYYY-MM-DD --to YYYY-MM-DD"),
        (["transform", "--recalibrate", "--from", "2025-03-03", "--to", "2025-03-02"], 2, "lies before"),
        (["transform", "--recalibrate", *DAYS], 1, "run `mingo transform` first"),
        (["bench", "detector", "absent.dat"], 2, "absent.dat: no such file"),
    ],
)
def test_a_mistake_is_one_line_without_a_traceback(tmp_path: Path, arguments: list[str], code: int, text: str) -> None:
    result = mingo(*arguments, MINGO_DATA_DIR=str(tmp_path / "data"))
    assert result.returncode == code, result.stdout + result.stderr
    assert text in " ".join((result.stdout + result.stderr).split())
    assert "Traceback" not in result.stderr
