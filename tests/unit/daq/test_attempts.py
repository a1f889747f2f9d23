"""A file whose worker dies is tried three times, apart from the others, and then left; data faults are no attempts."""

import os
import shutil
import signal
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from extract.daq.landing import LandingFile, list_files
from extract.daq.versions import GroupOutcome
from extract.daq.workers import WorkerDiedError, settle_each, subject_of
from tests.unit.daq.home import Home, counts, text
from tests.unit.daq.rows import GOLDEN_NAME, golden_file
from warehouse.attempts import Attempts, list_records

START = datetime(2025, 6, 10, 12)
KILLER = "mi0125161140002"


def later(minutes: float) -> datetime:
    """A clock that can be sent to another process."""
    return START + timedelta(minutes=minutes)


def attempts_at(home: Home, minutes: float, code: str = "a") -> Attempts:
    return Attempts(home.landing.parent / "attempts", "extract", code, partial(later, minutes))


def settle_or_die(files: list[LandingFile]) -> GroupOutcome:
    """Stands for an extraction that the kernel kills for want of memory."""
    if files[0].name.base_name == KILLER:
        os.kill(os.getpid(), signal.SIGKILL)
    return GroupOutcome(files[0].name.base_name, None, frozenset())


def test_worker_that_dies_three_times(home: Home) -> None:
    for index in range(6):
        home.land(f"mi012516114000{index}.dat", b"any")
    groups = list(list_files(home.landing, 1).groups.values())
    settled = list(settle_each(settle_or_die, groups, 2, attempts_at(home, 0)))
    outcomes = {groups[index][0].name.base_name: outcome for index, outcome in settled}
    assert len(settled) == len(outcomes) == 6
    died = [name for name, outcome in outcomes.items() if isinstance(outcome, WorkerDiedError)]
    assert died == [KILLER]
    killer = next(group for group in groups if group[0].name.base_name == KILLER)
    for minutes in (6, 30):
        assert attempts_at(home, minutes).verdict(subject_of(killer)) == "suspect"
        ((_, outcome),) = settle_each(settle_or_die, [killer], 1, attempts_at(home, minutes))
        assert isinstance(outcome, WorkerDiedError)
    assert attempts_at(home, 9999).verdict(subject_of(killer)) == "quarantined"
    assert [record.base_name for _, record in list_records(home.landing.parent / "attempts")] == [KILLER]


def spoil(home: Home) -> Path:
    """A lake nothing can be written to, in whatever process: a file stands where a folder is needed."""
    obstacle = home.lake / "raw_hit" / "station=1"
    obstacle.parent.mkdir(parents=True)
    obstacle.write_bytes(b"")
    return obstacle


def test_machine_fault_rests_and_is_given_up(home: Home) -> None:
    home.land(GOLDEN_NAME, golden_file())
    obstacle = spoil(home)
    seen = []
    for minutes in (0, 1, 6, 20, 30, 999):
        station = home.run(attempts=attempts_at(home, minutes)).stations[0]
        seen.append((station.n_failed, station.n_waiting, station.n_quarantined))
    assert seen == [(1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1)]
    obstacle.unlink()
    assert counts(home.run(attempts=attempts_at(home, 1000))) == (0, 0)
    assert counts(home.run(attempts=attempts_at(home, 1000, "mended code"))) == (1, 0)
    assert list(list_records(home.landing.parent / "attempts")) == []


def test_longer_version_of_a_quarantined_file_is_tried(home: Home) -> None:
    home.land(GOLDEN_NAME, golden_file())
    obstacle = spoil(home)
    for minutes in (0, 6, 30):
        home.run(attempts=attempts_at(home, minutes))
    obstacle.unlink()
    home.land(f"{GOLDEN_NAME}~2", golden_file() + b"\n")
    assert counts(home.run(attempts=attempts_at(home, 31))) == (1, 0)


def test_data_faults_are_no_attempts(home: Home) -> None:
    for name, content in (
        ("mi0125161140000.dat", b""),
        ("mi0125161150000.dat.gz", b"\x1f\x8bcut"),
        (GOLDEN_NAME, b"x\n"),
    ):
        home.land(name, content)
    station = home.run(attempts=attempts_at(home, 0)).stations[0]
    assert (station.n_done, station.n_failed) == (3, 0)
    assert list(list_records(home.landing.parent / "attempts")) == []


def test_records_change_no_result(home: Home, tmp_path: Path) -> None:
    for index in range(4):
        home.land(f"mi012516114000{index}.dat", text(50, seed=index))
    home.run(attempts=attempts_at(home, 0), workers=2)
    expected = Home(tmp_path / "expected")
    shutil.copytree(home.landing, expected.landing)
    expected.run()
    assert home.rows() == expected.rows()
