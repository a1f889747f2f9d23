"""Process locks: exclusive, named, free when their holders are dead."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warehouse.lock import LockBusyError, held, read_holder

HOLDER = """
import subprocess, sys, time
from pathlib import Path
from warehouse.lock import held
with held(Path(sys.argv[1]), "a test") as descriptor:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], pass_fds=[descriptor])
    print(child.pid, flush=True)
    time.sleep(30)
"""


def test_second_holder_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "build.lock"
    told: list[str] = []
    with held(path, "transform"):
        assert read_holder(path)["pid"] == os.getpid()
        busy = pytest.raises(LockBusyError, match=r"build\.lock is held by 'transform' since .* waited 0 s")
        with busy, held(path, "publish", wait_s=0.2, on_wait=told.append):
            pass
    assert len(told) == 1
    assert "transform" in told[0]
    with held(path, "publish"):
        assert read_holder(path)["purpose"] == "publish"


def test_lock_lives_as_long_as_parent_or_child(tmp_path: Path) -> None:
    path = tmp_path / "build.lock"
    parent = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child_pid = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.wait()
        with pytest.raises(LockBusyError), held(path, "transform"):
            pass
    finally:
        os.kill(child_pid, signal.SIGKILL)
        parent.stdout.close()
    deadline = time.monotonic() + 5
    while True:
        try:
            with held(path, "transform"):
                break
        except LockBusyError:
            assert time.monotonic() < deadline, "the lock outlived both holders"
            time.sleep(0.05)
