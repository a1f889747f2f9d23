"""Files that fail, faults of the program, kills: the others go on, and the next run mends the lake."""

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from extract.daq import reading
from extract.daq import store as store_module
from extract.daq import versions as versions_module
from tests.unit.daq.home import Home, counts, text
from tests.unit.daq.rows import GOLDEN_NAME, at, golden_file

ROOT = Path(__file__).resolve().parents[3]


def test_failing_file_does_not_stop_the_others(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0125161150000.dat", text(20))
    opened = versions_module.open_content

    def failing(path: Path, *rest: Any) -> Any:
        if "150000" in path.name:
            raise OSError(5, "Input/output error", str(path))
        return opened(path, *rest)

    monkeypatch.setattr(versions_module, "open_content", failing)
    summary = home.run()
    assert [(path, "Input/output error" in message) for path, message in summary.failures] == [
        ("dat/station=1/2025-06/mi0125161150000.dat", True)
    ]
    assert (summary.stations[0].n_done, summary.stations[0].n_failed) == (1, 1)
    monkeypatch.undo()
    assert counts(home.run()) == (1, 1)


def test_fault_of_the_program_is_reported(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.land(GOLDEN_NAME, golden_file())
    monkeypatch.setattr(reading, "find_duplicates", lambda *_: 1 / 0)
    summary = home.run()
    assert "ZeroDivisionError" in summary.failures[0][1]
    assert home.rows() == {}


def test_broken_sidecar_is_ignored(home: Home) -> None:
    path = home.land(GOLDEN_NAME, golden_file())
    for content in ("{", "[]", '{"remote_modified_at": 3, "fetched_at": "soon"}'):
        path.with_name(f"{path.name}.meta.json").write_text(content)
        shutil.rmtree(home.lake, ignore_errors=True)
        home.run()
        assert home.current()["fetched_at"] is None
        assert home.current()["remote_modified_at"] == datetime(2025, 6, 11)


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("dataset", ["raw_hit", "raw_event", "raw_reject", "raw_file"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_stop_at_every_write(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, when: str
) -> None:
    """The second version replaces the first; the run stops around each write and is run again."""
    first, second = golden_file(), golden_file() + b"\n" + at(40)
    home.land(GOLDEN_NAME, first, age_s=100)
    home.run()
    home.land(f"{GOLDEN_NAME}~2", second)
    expected = Home(tmp_path / "expected")
    shutil.copytree(home.landing, expected.landing)
    expected.run()
    write = store_module.write_table

    def stopping(lake: Path, declared: Any, *args: Any, **options: Any) -> Path:
        is_here = declared.name == dataset
        if is_here and when == "before":
            raise _Killed
        path = write(lake, declared, *args, **options)
        if is_here:
            raise _Killed
        return path

    monkeypatch.setattr(store_module, "write_table", stopping)
    with pytest.raises(_Killed):
        home.run()
    current = [row["content_sha256"] for row in home.raw_files() if row["is_current"]]
    assert hashlib.sha256(first).hexdigest() in current
    monkeypatch.undo()
    home.run()
    assert home.rows() == expected.rows()


KILLED_RUN = """
import sys
from pathlib import Path
from extract.daq.extract import extract_landing
if __name__ == "__main__":
    print("ready", flush=True)
    extract_landing(Path(sys.argv[1]), Path(sys.argv[2]), on_progress=lambda *step: print(*step, flush=True))
"""


def killed_at(home: Home, n_lines: int, delay_s: float) -> None:
    """Start a run in another process and kill it a while after it printed some lines."""
    command = [sys.executable, "-c", KILLED_RUN, str(home.landing), str(home.lake)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout
        for _ in range(n_lines):
            process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)


def test_kill_and_run_again(home: Home, tmp_path: Path) -> None:
    for index in range(6):
        home.land(f"mi012516114000{index}.dat", text(2000, seed=index) + b"rejected\n")
    expected = Home(tmp_path / "expected")
    shutil.copytree(home.landing, expected.landing)
    expected.run()
    chance = random.Random(7)
    for n_lines in (1, 2, 3, 5):
        killed_at(home, n_lines, chance.uniform(0, 0.03))
    home.run()
    assert home.rows() == expected.rows()
    visible = {name for name in home.files() if not Path(name).name.startswith(".")}
    assert visible == set(expected.files())
